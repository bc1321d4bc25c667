"""Judging: mean loss of examples that are not learned from, and how many of them are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch

from tunewright.runtime.chat import Rendered
from tunewright.train.ports import Method
from tunewright.train.torch.batches import collate, divided
from tunewright.train.torch.networks import Network
from tunewright.train.torch.room import Room
from tunewright.train.torch.threads import side_by_side

MOST = 2048
"""Tokens that a thread computes at once at most: without gradients more is not faster."""


@dataclass(frozen=True, kw_only=True)
class Judging:
    """Looks at examples in parts, side by side where that is possible."""

    network: Network
    device: torch.device
    room: Room

    def __call__(self, items: Sequence[Rendered], prefix: int, method: Method) -> tuple[float, float]:
        """Mean loss, and the share of the items that the model has right."""
        return self.room.within(items, partial(self._all, items, prefix, method))

    def _all(self, items: Sequence[Rendered], prefix: int, method: Method) -> tuple[float, float]:
        threads = self.room.threads
        parts = divided(items, prefix, min(self.room.tokens, MOST), threads, padded=self.network.padded)
        found = list(side_by_side(partial(self._part, prefix, method), parts, threads))
        total, right = (sum(column) for column in zip(*found, strict=True))
        return total / max(1e-9, sum(map(method.amount, items))), right / len(items)

    def _part(self, prefix: int, method: Method, part: Sequence[Rendered]) -> tuple[float, int]:
        """Summed loss, and items that the model has right."""
        total, right = method.judge(self.network, collate(part, prefix, self.device))
        return total.item(), int(right.sum())
