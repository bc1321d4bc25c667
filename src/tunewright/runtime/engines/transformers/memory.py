"""What the model remembers of a batch: keys and values of each answer's own tokens."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunewright.runtime.engines.transformers.attention import Pair

GROWTH = 1.5


class Memory:
    """Slots for fed tokens, one column for all rows; padding fills slots that nobody looks at.

    It stands where transformers expects a cache.
    """

    def __init__(self, layers: int, rows: int, device: torch.device) -> None:
        self.used = 0
        self.valid = torch.zeros(rows, 0, dtype=torch.bool, device=device)
        self._pairs: list[Pair | None] = [None] * layers
        self._room = 0

    def open(self, valid: Tensor, room: int) -> None:
        """Announce the next columns, [rows, tokens]; `room` is a guess of how many there will be."""
        self.valid = torch.cat([self.valid, valid], dim=1)
        needed = self.valid.shape[1]
        if needed > self._room:
            self._room = max(room, needed if not self._room else int(needed * GROWTH))

    def update(self, key: Tensor, value: Tensor, layer: int, *_: Any, **__: Any) -> Pair:  # noqa: ANN401
        """Write a layer's new keys and values; returns all it has."""
        end = self.valid.shape[1]
        pair = self._held(layer, key)
        for kept, new in zip(pair, (key, value), strict=True):
            kept[:, :, self.used : end] = new
        return pair[0][:, :, :end], pair[1][:, :, :end]

    def close(self) -> None:
        """All layers have written the announced columns."""
        self.used = self.valid.shape[1]

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but these."""
        self.valid = self.valid[rows]
        self._pairs = [pair and (pair[0][rows], pair[1][rows]) for pair in self._pairs]

    def row(self, place: int) -> list[Pair]:
        """Keys and values of one row for every layer, [heads, tokens, width], padding left out."""
        valid = self.valid[place]
        return [
            (key[place, :, : self.used][:, valid], value[place, :, : self.used][:, valid])
            for key, value in (pair for pair in self._pairs if pair is not None)
        ]

    def get_seq_length(self, *_: Any) -> int:  # noqa: ANN401 - as transformers asks
        """Columns in use."""
        return self.used

    def _held(self, layer: int, like: Tensor) -> Pair:
        pair = self._pairs[layer]
        if pair is not None and pair[0].shape[2] >= self._room:
            return pair
        rows, heads, _, width = like.shape
        grown = (
            like.new_zeros(rows, heads, self._room, width),
            like.new_zeros(rows, heads, self._room, width),
        )
        for new, old in zip(grown, pair or (), strict=False):
            new[:, :, : self.used] = old[:, :, : self.used]
        self._pairs[layer] = grown
        return grown
