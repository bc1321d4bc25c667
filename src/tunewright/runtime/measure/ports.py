"""The scorer port: what one answer is worth, and how many scores become one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self

from tunewright.core.types import Completion, Example, Score


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

    def combine(self, scores: Sequence[Score], weights: Sequence[float] | None = None) -> float:
        """One figure of many scores; `weights` says how often each stands in a resample."""
        ...


def weighted_mean(scores: Sequence[Score], weights: Sequence[float] | None = None) -> float:
    """Mean of the values, each counted `weights` times; 0.0 of nothing."""
    counted = [1.0] * len(scores) if weights is None else weights
    total = sum(counted)
    return sum(s.value * w for s, w in zip(scores, counted, strict=True)) / total if total else 0.0


@dataclass(frozen=True, kw_only=True)
class MeanScorer:
    """Ground of scorers whose figure is the mean of their values."""

    higher_is_better: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = False
    by_mean: ClassVar[bool] = True

    def for_labels(self, labels: Sequence[str]) -> Self:  # noqa: ARG002 - part of the port
        """The same scorer: it needs no labels."""
        return self

    def combine(self, scores: Sequence[Score], weights: Sequence[float] | None = None) -> float:
        """The mean of the values."""
        return weighted_mean(scores, weights)
