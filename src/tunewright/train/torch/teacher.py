"""A teacher beside the model under training: the loss of a token is how far their words for it diverge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tunewright.core.errors import ModelError
from tunewright.runtime.models.opening import open_model
from tunewright.train.torch.batches import Batch
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import Network, PlainNetwork, network_for


def load_teacher(folder: Path, dtype: torch.dtype) -> Any:
    """The model, none of its weights to be trained; raises `ModelError`."""
    try:
        model: Any = open_model(folder, dtype)
    except ModelError as error:
        raise ModelError(
            f"the teacher cannot be loaded: {error}", where=str(folder), fix="look at `model` of `distill`"
        ) from error
    return model.requires_grad_(False).eval()


@dataclass(frozen=True)
class Taught:
    """A network whose losses are divergences; everything else is its own."""

    student: Any
    teacher: Any

    @property
    def parallel(self) -> bool:
        """Whether parts of a step may be computed side by side, in threads."""
        return bool(self.student.parallel)

    @property
    def padded(self) -> bool:
        """Whether padding costs as much as text."""
        return bool(self.student.padded)

    def refresh(self) -> None:
        """Take note that the trained weights have moved."""
        self.student.refresh()

    def losses(self, batch: Batch) -> Tensor:
        """Divergence from what the teacher says to what the student says, of every trained token."""
        found: Tensor = self.student.divergences(batch, self.teacher)
        return found

    def judge(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Divergence of every trained token, and whether the student finds the token the likeliest."""
        _, right = self.student.judge(batch)
        return self.student.judge_divergences(batch, self.teacher), right

    def ratings(self, batch: Batch) -> Tensor:
        """What a rating model gives each text."""
        found: Tensor = self.student.ratings(batch)
        return found

    def judge_ratings(self, batch: Batch) -> Tensor:
        """The same without gradient."""
        found: Tensor = self.student.judge_ratings(batch)
        return found


def taught(network: Network, model: Any, teacher: Any) -> Taught:
    """The network of a model with its teacher, both by the fast step if that is exact for both."""
    other, _ = network_for(teacher)
    if isinstance(network, FastLlama) and isinstance(other, FastLlama):
        return Taught(network, other)
    student = network if isinstance(network, PlainNetwork) else PlainNetwork(model)
    return Taught(student, PlainNetwork(teacher, student.computed))
