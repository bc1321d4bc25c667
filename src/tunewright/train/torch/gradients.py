"""Loss and gradients of one step, its parts computed side by side where that is possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor

from tunewright.runtime.chat import Rendered
from tunewright.train.ports import Method
from tunewright.train.torch.batches import collate, divided
from tunewright.train.torch.networks import Network
from tunewright.train.torch.room import Room
from tunewright.train.torch.threads import side_by_side


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """Computes them; the sum is taken in a fixed order, so that the same seed gives the same bits."""

    method: Method
    network: Network
    accelerator: Accelerator
    weights: Sequence[Tensor]
    prefix: int
    room: Room

    def __call__(self, examples: Sequence[Rendered], seed: int) -> float:
        """Mean loss over what is learned from, by its weight; the gradients stand at the weights."""
        return self.room.within(examples, partial(self._all, examples, seed))

    def _all(self, examples: Sequence[Rendered], seed: int) -> float:
        for weight in self.weights:
            weight.grad = None  # of an attempt that memory did not suffice for
        trained, threads = sum(map(self.method.amount, examples)), self.room.threads
        parts = divided(examples, self.prefix, self.room.each, threads, padded=self.network.padded)
        first = seed * len(examples)
        work = list(zip(parts, range(first, first + len(parts)), strict=True))
        if threads == 1:
            return sum(self._alone(part, one, trained) for part, one in work)
        loss = 0.0
        for total, slopes in side_by_side(self._apart, work, threads):
            loss += total / trained
            self._add(slopes, trained)
        return loss

    def _alone(self, part: list[Rendered], seed: int, trained: float) -> float:
        total = self._loss(part, seed)
        self.accelerator.backward(total / trained)
        return total.item() / trained

    def _apart(self, work: tuple[list[Rendered], int]) -> tuple[float, tuple[Tensor, ...]]:
        total = self._loss(*work)
        return total.item(), torch.autograd.grad(total, self.weights)

    def _add(self, slopes: Sequence[Tensor], trained: float) -> None:
        new, held = list(slopes), [weight.grad for weight in self.weights if weight.grad is not None]
        torch._foreach_div_(new, trained)
        if held:
            torch._foreach_add_(held, new)
            return
        for weight, slope in zip(self.weights, new, strict=True):
            weight.grad = slope

    def _loss(self, part: list[Rendered], seed: int) -> Tensor:
        batch = collate(part, self.prefix, self.accelerator.device, seed)
        total: Tensor = self.method.loss(self.network, batch)
        return total
