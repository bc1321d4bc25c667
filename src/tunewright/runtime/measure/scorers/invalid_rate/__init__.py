"""`invalid_rate`: the share of answers that are no label of the task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.measure.labels import LabelScorer


@dataclass(frozen=True, kw_only=True)
class InvalidRate(LabelScorer):
    """Share of answers that are none of the labels; 0 under constrained decoding."""

    higher_is_better: ClassVar[bool] = False

    def score(self, example: Example, completion: Completion) -> Score:
        """1 if the answer is no label."""
        score = super().score(example, completion)
        return score.model_copy(update={"value": float("invalid" in score.counts)})
