"""Common beginnings, computed once and kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import torch

from tunewright.runtime.engines.transformers.attention import Pair
from tunewright.runtime.engines.transformers.network import Network

FIRST, LONGEST = 64, 512
Pairs = list[Pair]


class Prefixes:
    """Keys and values of prompt beginnings, in pieces; the piece used longest ago goes first.

    A beginning is always computed in the same pieces, so that an answer is the same to the last
    bit whether its beginning was known or not.
    """

    def __init__(self, network: Network, budget: int) -> None:
        self._network = network
        self._budget = budget
        self._bytes = 0
        self._pieces: OrderedDict[tuple[int, ...], Pairs] = OrderedDict()

    def get(self, ids: Sequence[int]) -> Pairs | None:
        """Keys and values of `ids` for every layer, computed where they are not known.

        Learned tokens that stand before every text stand before them.
        """
        held = None if self._network.before is None else list(self._network.before)
        for start, end in pieces(len(ids)):
            known = self._piece(tuple(ids[:end]), start, held)
            held = known if held is None else [_join(a, b) for a, b in zip(held, known, strict=True)]
        return held

    def _piece(self, ids: tuple[int, ...], start: int, before: Pairs | None) -> Pairs:
        if ids in self._pieces:
            self._pieces.move_to_end(ids)
            return self._pieces[ids]
        memory = self._network.memory(1)
        self._network.feed(memory, [ids[start:]], [start], shared=before)
        piece = memory.row(0)
        self._keep(ids, piece)
        return piece

    def _keep(self, ids: tuple[int, ...], piece: Pairs) -> None:
        self._pieces[ids] = piece
        self._bytes += _size(piece)
        while self._bytes > self._budget and len(self._pieces) > 1:
            self._bytes -= _size(self._pieces.popitem(last=False)[1])


def alone(length: int) -> int:
    """How much of a lone prompt is kept for the next one: whole pieces, at least one token left."""
    return max(_ends(length - 1), default=0)


def pieces(length: int) -> Iterator[tuple[int, int]]:
    """Where the pieces of a beginning start and end: 64, 128, 256, 512, then every 512 tokens."""
    start = 0
    for end in _ends(length):
        yield start, end
        start = end
    if start < length:
        yield start, length


def _ends(length: int) -> list[int]:
    ends, end = [], FIRST
    while end <= length:
        ends.append(end)
        end += min(end, LONGEST)
    return ends


def _join(a: Pair, b: Pair) -> Pair:
    return torch.cat([a[0], b[0]], dim=1), torch.cat([a[1], b[1]], dim=1)


def _size(piece: Pairs) -> int:
    return sum(tensor.nbytes for pair in piece for tensor in pair)
