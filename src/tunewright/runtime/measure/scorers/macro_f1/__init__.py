"""`macro_f1`: the mean over the classes of their F1, so that rare classes count as much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tunewright.core.types import Score
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.labels import LabelScorer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tunewright.runtime.measure.ports import Weighted


@dataclass(frozen=True, kw_only=True)
class MacroF1(LabelScorer):
    """Mean F1 = 2TP / (2TP + FP + FN) of the classes that occur among the right answers."""

    by_mean: ClassVar[bool] = False

    def combine(self, scores: Sequence[Score]) -> float:
        """Macro-averaged F1 of the answers; 0.0 of nothing."""
        return self.weighted(scores)(require("numpy", extra="all").ones(len(scores)))

    def weighted(self, scores: Sequence[Score]) -> Weighted:
        """Macro-averaged F1 of a resample."""
        numpy = require("numpy", extra="all")
        places: dict[str, int] = {}
        expected = numpy.asarray([_place(places, score, "expected:") for score in scores], dtype=int)
        answered = numpy.asarray([_place(places, score, "answered:") for score in scores], dtype=int)
        right = expected == answered
        size = len(places) + 1

        def count(which: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
            # The last place holds what is no label at all.
            counts: NDArray[np.float64] = numpy.bincount(which, weights=weights, minlength=size)[:-1]
            return counts

        def figure(weights: NDArray[np.float64]) -> float:
            support = count(expected % size, weights)
            claimed = count(answered % size, weights)
            hits = count(expected % size, weights * right)
            present = support > 0
            f1 = 2 * hits[present] / (support[present] + claimed[present])
            return float(f1.mean()) if len(f1) else 0.0

        return figure


def _place(places: dict[str, int], score: Score, side: str) -> int:
    """A number for the label on this side of a score; -1 where there is none."""
    found = next((name for name in score.counts if name.startswith(side)), None)
    return -1 if found is None else places.setdefault(found.removeprefix(side), len(places))
