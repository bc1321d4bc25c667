"""The scorer port: what one answer is worth, and how many scores become one figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, Self

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.lazy import require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weighted = Callable[[NDArray[np.float64]], float]


class Scorer(Protocol):
    """A plug-in of the group `scorers`: its name is the metric's name, its fields are its options."""

    higher_is_better: ClassVar[bool]
    """False where less is better, as with a rate of errors."""
    needs_labels: ClassVar[bool]
    """True where it says something only of tasks with a closed list of labels."""
    by_mean: ClassVar[bool]
    """True where `combine` is the mean of the values; differences are then tested on the values."""

    def for_labels(self, labels: Sequence[str]) -> Self:
        """The same scorer, knowing the labels of the dataset."""
        ...

    def score(self, example: Example, completion: Completion) -> Score:
        """What this answer is worth; equal answers to equal questions score equally."""
        ...

    def combine(self, scores: Sequence[Score]) -> float:
        """One figure of many scores."""
        ...

    def weighted(self, scores: Sequence[Score]) -> Weighted:
        """The same of a resample: a function of how often each score was drawn, (scores,) → figure."""
        ...


def mean(scores: Sequence[Score]) -> float:
    """Mean of the values; 0.0 of nothing."""
    return sum(score.value for score in scores) / len(scores) if scores else 0.0


def weighted_mean(scores: Sequence[Score]) -> Weighted:
    """Mean of the values by how often each is counted; 0.0 of nothing."""
    values = require("numpy", extra="all").asarray([score.value for score in scores], dtype=float)

    def figure(weights: NDArray[np.float64]) -> float:
        total = float(weights.sum())
        return float(values @ weights) / total if total else 0.0

    return figure


@dataclass(frozen=True, kw_only=True)
class MeanScorer:
    """Ground of scorers whose figure is the mean of their values."""

    higher_is_better: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = False
    by_mean: ClassVar[bool] = True

    def for_labels(self, labels: Sequence[str]) -> Self:  # noqa: ARG002 - part of the port
        """The same scorer: it needs no labels."""
        return self

    def combine(self, scores: Sequence[Score]) -> float:
        """The mean of the values."""
        return mean(scores)

    def weighted(self, scores: Sequence[Score]) -> Weighted:
        """The mean of the values of a resample."""
        return weighted_mean(scores)
