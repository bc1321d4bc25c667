"""What answers are worth: the sum of some scorers, and of a reward model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from tunewright.core.errors import ModelError, TrainError
from tunewright.core.types import Completion
from tunewright.runtime import plugins
from tunewright.runtime.adapters.loading import put_on
from tunewright.runtime.chat import Rendered
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.models.opening import open_model
from tunewright.train.ports import RATER, OnlineMethod, Work
from tunewright.train.torch.batches import collate
from tunewright.train.torch.llama import base_of
from tunewright.train.torch.networks import network_for

TOGETHER = 16
"""Texts that are rated together."""


class Rater:
    """A reward model that was trained before."""

    def __init__(self, weights: Path, adapter: Path | None, dtype: torch.dtype, device: torch.device) -> None:
        """Load it; raises `TrainError`."""
        folder = adapter or weights
        try:
            head = "" if adapter is None else "score."  # the adapter brings it
            kind = AutoModelForSequenceClassification
            model: Any = open_model(weights, dtype, kind=kind, new=head, num_labels=1)
            if adapter is not None:
                model = put_on(model, adapter)
        except ModelError as error:
            raise TrainError(
                f"the reward model cannot be loaded: {error}", where=str(folder), fix="train it again"
            ) from error
        base_of(model).score.float()
        self._network, _ = network_for(model.to(device))
        self._device = device

    def __call__(self, said: Sequence[Rendered], words: Sequence[str]) -> Tensor:
        """What each text is worth, [texts]; the scale is the reward model's own."""
        del words
        found = [text.rated for text in said]
        parts = [found[start : start + TOGETHER] for start in range(0, len(found), TOGETHER)]
        ratings = [self._network.judge_ratings(collate(part, 0, self._device)) for part in parts]
        return torch.cat(ratings).double().cpu()


@dataclass(frozen=True)
class Scored:
    """What a scorer says of answers in words, the higher the better."""

    scorer: Scorer

    def __call__(self, said: Sequence[Rendered], words: Sequence[str]) -> Tensor:
        """What each answer is worth, [texts]."""
        sign = 1.0 if self.scorer.higher_is_better else -1.0
        values = [
            sign * self.scorer.score(one.example, Completion(text=text)).value
            for one, text in zip(said, words, strict=True)
            if one.example is not None
        ]
        return torch.tensor(values, dtype=torch.float64)


Part = Callable[[Sequence[Rendered], Sequence[str]], Tensor]


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What answers are worth: the weighed sum of its parts."""

    parts: Sequence[tuple[str, float, Part]]
    """Name, weight and what says it."""

    def __call__(self, said: Sequence[Rendered], words: Sequence[str]) -> tuple[Tensor, dict[str, float]]:
        """Of every text, its answer in words beside it, the worth, [texts]; and the mean of each part."""
        found = [(name, weight, part(said, words)) for name, weight, part in self.parts]
        whole = torch.stack([weight * values for _, weight, values in found]).sum(dim=0)
        return whole, {f"reward_{name}": float(values.mean()) for name, _, values in found}


def worth_of(work: Work, method: OnlineMethod, dtype: torch.dtype, device: torch.device) -> Worth:
    """What the method's rewards are, the reward model loaded; raises `TrainError`."""
    parts: list[tuple[str, float, Part]] = []
    for named, weight in zip(method.rewards, method.weights or [1.0] * len(method.rewards), strict=True):
        if named.name == RATER:
            assert work.rater is not None, "checked before"
            parts.append((RATER, weight, Rater(*work.rater, dtype, device)))
        else:
            scorer: Scorer = plugins.make("scorers", named)
            parts.append((named.name, weight, Scored(scorer.for_labels(work.labels))))
    return Worth(parts=parts)
