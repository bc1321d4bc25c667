"""`macro_f1`: the mean over the classes of their F1, so that rare classes count as much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from tunewright.core.types import Score
from tunewright.runtime.measure.labels import LabelScorer


@dataclass(frozen=True, kw_only=True)
class MacroF1(LabelScorer):
    """Mean F1 = 2TP / (2TP + FP + FN) of the classes that occur among the right answers."""

    by_mean: ClassVar[bool] = False

    def combine(self, scores: Sequence[Score], weights: Sequence[float] | None = None) -> float:
        """Macro-averaged F1 of the answers; 0.0 of nothing."""
        support, answered, right = (defaultdict[str, float](float) for _ in range(3))
        counted = [1.0] * len(scores) if weights is None else weights
        for score, weight in zip(scores, counted, strict=True):
            for name in score.counts:
                side, _, label = name.partition(":")
                if side == "expected":
                    support[label] += weight
                    right[label] += weight * score.value
                elif side == "answered":
                    answered[label] += weight
        present = [label for label, count in support.items() if count]
        f1 = [2 * right[label] / (support[label] + answered[label]) for label in present]
        return sum(f1) / len(f1) if f1 else 0.0
