"""Answers of classification tasks: which label was meant, and the counts that scores carry."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.measure.ports import mean, weighted_mean

if TYPE_CHECKING:
    from tunewright.runtime.measure.ports import Weighted

INVALID = "(invalid)"
"""Stands in confusions for an answer that is no label."""


def normalised(text: str) -> str:
    """Case folded, runs of white space made one blank, ends stripped."""
    return " ".join(text.casefold().split())


def label_of(answer: str, labels: Sequence[str]) -> str | None:
    """The label that the answer is, white space and case aside; None if it is none of them."""
    if answer in labels:
        return answer
    wanted = normalised(answer)
    return next((label for label in labels if normalised(label) == wanted), None)


def expected_of(example: Example) -> str:
    """The right answer: the label, else the answer, else the first reference."""
    if example.label is not None:
        return example.label
    if example.answer is not None:
        return example.answer
    return example.references[0] if example.references else ""


@dataclass(frozen=True, kw_only=True)
class LabelScorer:
    """Ground of scorers of classification: right or wrong, with expected and answered label."""

    higher_is_better: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = True
    by_mean: ClassVar[bool] = True

    labels: tuple[str, ...] = ()
    """Valid answers; those of the dataset unless given."""

    def for_labels(self, labels: Sequence[str]) -> Self:
        """The same scorer, knowing the labels of the dataset unless it was given its own."""
        return self if self.labels else dataclasses.replace(self, labels=tuple(labels))

    def score(self, example: Example, completion: Completion) -> Score:
        """1 if the answer is the right label; an answer that is no label is wrong and `invalid`."""
        expected = expected_of(example)
        answered = label_of(completion.text, self.labels)
        if answered is None:
            return Score(
                value=0.0, reason="no label of the task", counts={f"expected:{expected}": 1.0, "invalid": 1.0}
            )
        counts = {f"expected:{expected}": 1.0, f"answered:{answered}": 1.0}
        return Score(value=float(answered == expected), counts=counts)

    def combine(self, scores: Sequence[Score]) -> float:
        """The mean of the values."""
        return mean(scores)

    def weighted(self, scores: Sequence[Score]) -> Weighted:
        """The mean of the values of a resample."""
        return weighted_mean(scores)
