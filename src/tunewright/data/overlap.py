"""Examples that stand in training and in an evaluation split: found, taken out, proven gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Overlap
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


def find(split: str, evaluated: Sequence[Example], train: Sequence[Example], near: float) -> Found:
    """Which examples of the split are asked in training too, or have a group there, and how many."""
    asked, known = [question(one) for one in evaluated], [question(one) for one in train]
    asked_at, known_at = _places(asked), _places(known)
    pairs = near_matches(list(asked_at), list(known_at), near)
    same = set(known)
    in_split = _those(asked_at, {pair.a for pair in pairs})
    in_train = _those(known_at, {pair.b for pair in pairs})
    groups = _groups(evaluated) & _groups(train)
    of_groups = _members(evaluated, groups)
    overlap = Overlap(
        split=split,
        exact=sum(text in same for text in asked),
        normalised=sum(len(places) for text, places in asked_at.items() if text in known_at),
        near=len(in_split),
        grouped=len(of_groups - in_split),
        examples=len(evaluated),
    )
    return Found(overlap, in_split | of_groups, in_train | _members(train, groups))


def _groups(examples: Sequence[Example]) -> set[str]:
    return {example.group for example in examples if example.group is not None}


def _members(examples: Sequence[Example], groups: set[str]) -> frozenset[int]:
    return frozenset(place for place, example in enumerate(examples) if example.group in groups)


def _places(texts: Sequence[str]) -> dict[str, list[int]]:
    """Every normalised text with the places where it stands."""
    places = defaultdict[str, list[int]](list)
    for place, text in enumerate(texts):
        places[normalised(text)].append(place)
    return places


def _those(places: dict[str, list[int]], chosen: set[int]) -> frozenset[int]:
    """Places of the chosen texts, which are numbered in the order of the table."""
    return frozenset(
        place for number, found in enumerate(places.values()) if number in chosen for place in found
    )


def without(examples: Sequence[Example], places: frozenset[int]) -> list[Example]:
    """The examples but those at the places."""
    return [example for place, example in enumerate(examples) if place not in places]


def tagged(examples: Sequence[Example], places: frozenset[int]) -> list[Example]:
    """The examples, those at the places tagged: they stand in training too, or their group does."""
    return [
        example.model_copy(update={"tags": (*example.tags, NEAR_DUPLICATE)}) if place in places else example
        for place, example in enumerate(examples)
    ]


def prove_none(split: str, evaluated: Sequence[Example], train: Sequence[Example], near: float) -> None:
    """Look again, and raise `DataError` if a question or group of the split still stands in training."""
    left = find(split, evaluated, train, near)
    if left.evaluated:
        example = evaluated[min(left.evaluated)]
        raise DataError(
            f"{len(left.evaluated)} examples of `{split}` still stand in `train` after removal",
            where=example.source,
            fix="this is a fault of tunewright: please report it with these two files",
        )
