"""Examples that stand in training and in an evaluation split: found, taken out, proven gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Overlap, Split
from tunewright.data.question import question
from tunewright.runtime.examples import NEAR_DUPLICATE
from tunewright.runtime.near import near_matches, normalised


@dataclass(frozen=True)
class Found:
    """Overlap of an evaluation split with training examples, and who has part in it."""

    overlap: Overlap
    evaluated: frozenset[int]
    """Places in the evaluation split."""
    trained: frozenset[int]
    """Places among the training examples."""


def find(split: Split, evaluated: Sequence[Example], train: Sequence[Example], near: float) -> Found:
    """How many questions of the split are asked in training too; each count holds the closer ones."""
    asked, known = [question(one) for one in evaluated], [question(one) for one in train]
    same, alike = set(known), {normalised(text) for text in known}
    pairs = near_matches(asked, known, near)
    overlap = Overlap(
        split=split,
        exact=sum(text in same for text in asked),
        normalised=sum(normalised(text) in alike for text in asked),
        near=len({pair.a for pair in pairs}),
        examples=len(evaluated),
    )
    return Found(overlap, frozenset(pair.a for pair in pairs), frozenset(pair.b for pair in pairs))


def without(examples: Sequence[Example], places: frozenset[int]) -> list[Example]:
    """The examples but those at the places."""
    return [example for place, example in enumerate(examples) if place not in places]


def tagged(examples: Sequence[Example], places: frozenset[int]) -> list[Example]:
    """The examples, those at the places tagged as near-duplicates of training examples."""
    return [
        example.model_copy(update={"tags": (*example.tags, NEAR_DUPLICATE)}) if place in places else example
        for place, example in enumerate(examples)
    ]


def prove_none(split: Split, evaluated: Sequence[Example], train: Sequence[Example], near: float) -> None:
    """Look again, and raise `DataError` if a question of the split still stands in training."""
    left = find(split, evaluated, train, near)
    if left.evaluated:
        example = evaluated[min(left.evaluated)]
        raise DataError(
            f"{len(left.evaluated)} examples of `{split}` still stand in `train` after removal",
            where=example.source,
            fix="this is a fault of tunewright: please report it with these two files",
        )
