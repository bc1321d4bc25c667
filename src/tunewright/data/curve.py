"""The learning curve: what more examples would be worth, measured on the user's own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Literal

from tunewright.core.types import Example, Frozen
from tunewright.data import learner
from tunewright.data.question import question
from tunewright.runtime.lazy import require

MORE = 500
"""Examples that the question is about unless another number is given."""
REPEATS = 5
LARGEST = 8000
"""Training examples that are looked at, at most: it bounds the time to ten CPU seconds."""
MOST_HELD_OUT = 2000
FEWEST_HELD_OUT = 30
"""With fewer nothing can be told."""

FITTED = 3
"""Sizes that the law goes through, the largest ones: early on errors follow another one (measured)."""

_SMALLEST = 20
_FEWEST_SIZES, _MOST_SIZES = 3, 6
_RESAMPLES = 50
_DRAWS = 100
_CONFIDENCE = 0.9

Measure = Literal["error", "validation loss"]
Told = Callable[[int, int], None]


class Estimate(Frozen):
    """A figure and where it may well lie (90 %)."""

    value: float
    low: float
    high: float


class Point(Frozen):
    """What was measured with so many training examples."""

    examples: int
    value: float
    spread: float
    """Standard error over the repeats."""
    repeats: int


class LearningCurve(Frozen):
    """Errors at several sizes, the law through them, and what it says of more examples."""

    measure: Measure
    learner: str
    held_out: int
    """Examples that it was measured on; none of them, and nothing near them, was trained on."""
    points: tuple[Point, ...]
    examples: int
    """Training examples that there are."""
    more: int
    now: Estimate
    """The measure with all of them."""
    then: Estimate
    """With `more` beyond."""
    gain: Estimate
    """By how much the measure falls."""


def sizes_up_to(largest: int, smallest: int = _SMALLEST, most: int = _MOST_SIZES) -> tuple[int, ...]:
    """Halves of the largest size, ascending, down to the smallest that says anything."""
    halves = [largest >> step for step in range(most)]
    return tuple(reversed([size for size in halves if size >= smallest]))


def label_curve(
    train: Sequence[Example],
    held_out: Sequence[Example],
    *,
    more: int = MORE,
    largest: int = LARGEST,
    seed: int = 0,
    told: Told | None = None,
) -> LearningCurve | None:
    """The curve of the cheap learner on nested subsets; None where there is too little to tell.

    Each repeat draws its own order of the training examples. What chance the held-out examples add is met
    by drawing them again with replacement, a law a draw.
    """
    np = require("numpy", extra="all")
    draw = random.Random(seed)
    known = _labelled(train, largest, draw)
    asked = _labelled(held_out, MOST_HELD_OUT, draw)
    names = sorted({one.label for one in (*known, *asked) if one.label is not None})
    sizes = sizes_up_to(len(known), max(_SMALLEST, 2 * len(names)))
    if len(sizes) < _FEWEST_SIZES or len(asked) < FEWEST_HELD_OUT or len(names) < 2:
        return None
    number = {name: place for place, name in enumerate(names)}
    labels, right = (np.asarray([number[one.label or ""] for one in part]) for part in (known, asked))
    meanings, unseen = (learner.features([question(one) for one in part]) for part in (known, asked))
    wrong = np.empty((REPEATS, len(sizes), len(asked)), bool)
    for repeat in range(REPEATS):
        order = np.asarray(draw.sample(range(len(known)), len(known)))
        for place, size in enumerate(sizes):
            some = order[:size]
            found = learner.scores(meanings[some], labels[some], len(names), unseen)
            wrong[repeat, place] = found.argmax(axis=1) != right
        if told:
            told(repeat + 1, REPEATS)
    laws = _laws_of(sizes[-FITTED:], wrong[:, -FITTED:], seed)
    values = wrong.mean(axis=2)
    points = [
        Point(examples=size, value=value, spread=spread, repeats=REPEATS if size < len(known) else 1)
        for size, value, spread in zip(sizes, values.mean(axis=0), _spreads(values), strict=True)
    ]
    counts = (len(train), more, len(asked))
    return conclude("error", learner.NAME, points, laws, counts)


def conclude(
    measure: Measure,
    by: str,
    points: Sequence[Point],
    laws: Any,  # noqa: ANN401 - `stats.PowerLaws`
    counts: tuple[int, int, int],
) -> LearningCurve:
    """The curve with what its laws say; `counts` are examples, more of them, and those held out."""
    examples, more, held_out = counts
    return LearningCurve(
        measure=measure,
        learner=by,
        held_out=held_out,
        points=tuple(points),
        examples=examples,
        more=more,
        now=_estimate(laws.error(examples)),
        then=_estimate(laws.error(examples + more)),
        gain=_estimate(laws.gain(examples, more)),
    )


def _estimate(found: tuple[float, Any]) -> Estimate:
    value, interval = found
    return Estimate(value=value, low=interval.low, high=interval.high)


def _labelled(examples: Sequence[Example], most: int, draw: random.Random) -> list[Example]:
    found = [one for one in examples if one.label is not None]
    return draw.sample(found, most) if len(found) > most else found


def _laws_of(sizes: Sequence[int], wrong: Any, seed: int) -> Any:  # noqa: ANN401 - (repeats, sizes, held out)
    np, stats = require("numpy", extra="all"), require("tunewright.core.stats", extra="all")
    chance = np.random.default_rng(seed)
    drawn = []
    for resample in range(_RESAMPLES):
        chosen = chance.integers(wrong.shape[2], size=wrong.shape[2])
        values = wrong[:, :, chosen].mean(axis=2)
        drawn.append(
            stats.power_laws(sizes, values.mean(axis=0), _spreads(values), draws=_DRAWS, seed=seed + resample)
        )
    return stats.PowerLaws.joined(drawn)


def _spreads(values: Any) -> Any:  # noqa: ANN401 - (repeats, sizes) to (sizes,)
    """Standard error of each size; the largest has one training set only: the one before speaks for it."""
    np = require("numpy", extra="all")
    deviations = values.std(axis=0, ddof=1)
    deviations[-1] = deviations[-2]
    return deviations / np.sqrt([*[len(values)] * (values.shape[1] - 1), 1])
