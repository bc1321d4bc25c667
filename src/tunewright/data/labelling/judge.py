"""How far people agree, and what each of them confuses."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from tunewright.core.errors import DataError
from tunewright.core.types import Frozen
from tunewright.data.labelling.rank import opinions
from tunewright.data.labelling.results import disputed, given
from tunewright.runtime.lazy import require
from tunewright.runtime.queue import Item, Suggestion

if TYPE_CHECKING:
    from tunewright.core.stats.agreement import Agreement, Raters

Scale = Literal["nominal", "ordinal", "interval"]
_CONFUSIONS = 5
_FEWEST = 3
"""People who must share items before it can be told which of them is right."""
_UNSEEN = 1e-3
"""Chance of a label that the model never saw."""
_WEIGHTS = {"nominal": "none", "ordinal": "linear", "interval": "quadratic"}


class Coefficient(Frozen):
    """1 is full agreement, 0 that of chance; with its 95 % interval over items."""

    value: float | None
    """None where it cannot be told: nothing shared, or only one answer in use."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Items with two answers or more."""


class Pair(Frozen):
    """Two people: Cohen's kappa on what both answered."""

    first: str
    second: str
    kappa: Coefficient
    same: int
    """Items both answered alike."""


class Person(Frozen):
    """One person, judged by all answers together (Dawid and Skene)."""

    accuracy: float
    """How often the answer is the likely true one; an estimate."""
    confusions: tuple[tuple[str, str, int], ...]
    """Likely truth, answer, and how many items were answered so; the most frequent first."""


class Concord(Frozen):
    """Agreement of everybody who answered."""

    scale: str
    alpha: Coefficient
    """Krippendorff's alpha."""
    pairs: tuple[Pair, ...]
    people: dict[str, Person]
    """Empty where fewer than three people share items: between two nobody can tell who is right."""


def agreement(
    items: Sequence[Item], labels: Sequence[str], scale: Scale = "nominal", *, seed: int = 0
) -> Concord:
    """Agreement between people on items that two or more answered.

    `labels` are in the order of the scale. For `ordinal` kappa is weighted by the distance of their
    positions, for `interval` by the square of that of their numbers. Raises `DataError` where an answer has
    no place on the scale.
    """
    stats = require("tunewright.core.stats.agreement", extra="all")
    names = _names(items, labels)
    units = [{one.annotator: names[one.value or ""] for one in given(item)} for item in items]
    numbers = _numbers(list(names), labels, scale)
    shared = [list(unit.values()) for unit in units if len(unit) > 1]
    found = stats.alpha_of(shared, numbers, scale, seed=seed)
    return Concord(
        scale=scale,
        alpha=_coefficient(found),
        pairs=tuple(_pairs(units, numbers, _WEIGHTS[scale], seed)),
        people=_people(units, list(names)),
    )


def likely(items: Sequence[Item], labels: Sequence[str]) -> dict[str, Suggestion]:
    """Which of the answers to each disputed item is the likely one, by its id.

    The product of what all answers together say of the people (Dawid and Skene) and of what the cheap model
    learned from the items without dispute.
    """
    disputes = disputed(items)
    names = _names(items, labels)
    units = [{one.annotator: names[one.value or ""] for one in given(item)} for item in items]
    raters: Raters = require("tunewright.core.stats.agreement", extra="all").dawid_skene(units, len(names))
    place = {item.id: number for number, item in enumerate(items)}
    by_model = opinions(items, disputes)
    found = {}
    for item in disputes:
        chances, learned = raters.chances[place[item.id]], by_model.get(item.id, {})
        said = sorted({one.value or "" for one in given(item)})
        weights = {name: float(chances[names[name]]) * learned.get(name, _UNSEEN) for name in said}
        best = max(weights, key=weights.__getitem__)
        sure = weights[best] / sum(weights.values())
        found[item.id] = Suggestion(value=best, confidence=sure, by="annotators")
    return found


def _names(items: Sequence[Item], labels: Sequence[str]) -> dict[str, int]:
    """Position of each label: those of the guide in its order, then others that were given."""
    said = (one.value or "" for item in items for one in given(item))
    return {label: place for place, label in enumerate(dict.fromkeys([*labels, *said]))}


def _numbers(names: Sequence[str], labels: Sequence[str], scale: Scale) -> Sequence[float] | int:
    """The number of each label, or how many there are; `names` are `labels` and then what else was said."""
    if scale == "ordinal" and len(names) > len(labels):
        raise DataError(
            f"`{names[len(labels)]}` does not stand in the guide, so it has no place in the order",
            where="scale",
            fix="add it where it belongs in `labelling.md`, or use `nominal`",
        )
    if scale != "interval":
        return len(names)
    try:
        return [float(name) for name in names]
    except ValueError:
        raise DataError(
            "labels that are no numbers have no distances",
            where="scale",
            fix="use `ordinal`, in the order of the guide, or `nominal`",
        ) from None


def _coefficient(found: Agreement) -> Coefficient:
    low, high = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return Coefficient(value=found.value, low=low, high=high, n=found.n)


def _pairs(
    units: Sequence[Mapping[str, int]], values: Sequence[float] | int, weights: str, seed: int
) -> list[Pair]:
    stats = require("tunewright.core.stats.agreement", extra="all")
    people = sorted({person for unit in units for person in unit})
    pairs = []
    for first, second in itertools.combinations(people, 2):
        both = [(unit[first], unit[second]) for unit in units if first in unit and second in unit]
        if not both:
            continue
        one, other = zip(*both, strict=True)
        kappa = _coefficient(stats.kappa_of(one, other, values, weights, seed=seed))
        pairs.append(Pair(first=first, second=second, kappa=kappa, same=sum(a == b for a, b in both)))
    return pairs


def _people(units: Sequence[Mapping[str, int]], labels: Sequence[str]) -> dict[str, Person]:
    shared = [unit for unit in units if len(unit) > 1]
    if len({person for unit in shared for person in unit}) < _FEWEST:
        return {}
    raters: Raters = require("tunewright.core.stats.agreement", extra="all").dawid_skene(shared, len(labels))
    likely = raters.chances.argmax(axis=1).tolist()
    return {
        person: Person(
            accuracy=raters.accuracies[person], confusions=_confusions(shared, likely, person, labels)
        )
        for person in sorted(raters.confusions)
    }


def _confusions(
    units: Sequence[Mapping[str, int]], likely: Sequence[int], person: str, labels: Sequence[str]
) -> tuple[tuple[str, str, int], ...]:
    said = ((truth, unit[person]) for unit, truth in zip(units, likely, strict=True) if person in unit)
    wrong = Counter((labels[truth], labels[answer]) for truth, answer in said if truth != answer)
    return tuple((truth, answer, times) for (truth, answer), times in wrong.most_common(_CONFUSIONS))
