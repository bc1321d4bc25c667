"""Agreement between people who label the same items, and what each of them confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # type: ignore[import-untyped]

from tunewright.core.stats.interval import Interval
from tunewright.core.stats.resample import bootstrap

Scale = Literal["nominal", "ordinal", "interval"]
"""How far two values are apart: not at all or wholly; by rank; by their difference."""
Weights = Literal["none", "linear", "quadratic"]
Matrix = NDArray[np.float64]
Whole = NDArray[np.integer[Any]]
Unit = Sequence[int]
"""Values that one item was given, as positions in the list of all values; missing ones left out."""


@dataclass(frozen=True)
class Agreement:
    """A coefficient with its interval: 1 is full agreement, 0 that of chance, below 0 worse than chance."""

    value: float | None
    """None where all values are the same, so that chance would agree as well."""
    interval: Interval | None
    n: int
    """Items that two or more people labelled."""


def cohen_kappa(
    first: Sequence[int] | Whole,
    second: Sequence[int] | Whole,
    values: Sequence[float] | int,
    weights: Weights = "none",
) -> float | None:
    """Agreement of two people beyond chance; None where both gave one and the same value only.

    `values` are the numbers behind the positions, or how many there are. Cohen 1960, Educational and
    Psychological Measurement 20:37-46; weighted by the distance of the numbers (of positions, where there
    are none), or by its square: Cohen 1968, Psychological Bulletin 70:213-220.
    """
    if len(first) != len(second) or not len(first):
        raise ValueError("two people must have labelled the same items, at least one")
    numbers = _numbers(values)
    table = np.zeros((len(numbers), len(numbers)))
    np.add.at(table, (np.asarray(first), np.asarray(second)), 1.0)
    apart = np.abs(numbers[:, None] - numbers[None, :])
    distance = {"none": np.sign(apart), "linear": apart, "quadratic": apart**2}[weights]
    by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    expected = float((distance * by_chance).sum())
    return None if expected == 0 else 1 - float((distance * table).sum()) / expected


def kappa_of(
    first: Sequence[int],
    second: Sequence[int],
    values: Sequence[float] | int,
    weights: Weights = "none",
    *,
    seed: int = 0,
) -> Agreement:
    """Cohen's kappa with a bootstrap interval over items (percentiles of 1,000 resamples)."""
    a, b = np.asarray(first), np.asarray(second)
    found = cohen_kappa(first, second, values, weights)
    interval = (
        None
        if found is None
        else _interval(lambda at: cohen_kappa(a[at], b[at], values, weights), len(a), seed)
    )
    return Agreement(found, interval, len(a))


def krippendorff_alpha(
    units: Sequence[Unit], values: Sequence[float] | int, scale: Scale = "nominal"
) -> float | None:
    """Agreement of any number of people beyond chance, with missing values; None where only one value occurs.

    `values` are the numbers behind the positions, or how many there are. Krippendorff 2011, Computing
    Krippendorff's Alpha-Reliability (https://repository.upenn.edu/asc_papers/43), from the matrix of
    coincidences.
    """
    paired = [unit for unit in units if len(unit) > 1]
    return _alpha(_coincidences(paired, _numbers(values)).sum(axis=0), _numbers(values), scale)


def alpha_of(
    units: Sequence[Unit], values: Sequence[float] | int, scale: Scale = "nominal", *, seed: int = 0
) -> Agreement:
    """Krippendorff's alpha with a bootstrap interval over items (percentiles of 1,000 resamples)."""
    paired = [unit for unit in units if len(unit) > 1]
    numbers = _numbers(values)
    if not paired:
        return Agreement(None, None, 0)
    each = _coincidences(paired, numbers)
    found = _alpha(each.sum(axis=0), numbers, scale)
    interval = None
    if found is not None:
        by_value = each.T.tocsr()  # a resample is how often each item was drawn

        def of_resample(at: Whole) -> float | None:
            return _alpha(by_value @ np.bincount(at, minlength=len(paired)), numbers, scale)

        interval = _interval(of_resample, len(paired), seed)
    return Agreement(found, interval, len(paired))


def _interval(statistic: Any, n: int, seed: int) -> Interval:  # noqa: ANN401 - a figure, or None
    """A resample in which only one value occurs has no disagreement, and counts as 1."""

    def figure(indices: NDArray[np.integer[Any]]) -> float:
        found = statistic(indices)
        return 1.0 if found is None else float(found)

    return bootstrap(figure, n, repeats=1000, seed=seed, method="percentile")


def _numbers(values: Sequence[float] | int) -> Matrix:
    return np.arange(values, dtype=np.float64) if isinstance(values, int) else np.asarray(values, np.float64)


def _coincidences(units: Sequence[Unit], numbers: Matrix) -> Any:  # noqa: ANN401 - SciPy's sparse arrays have no types
    """Pairs of values within each item, each weighing 1/(people - 1): (items, values * values), sparse."""
    k = len(numbers)
    rows, columns, weights = list[int](), list[int](), list[float]()
    for row, unit in enumerate(units):
        pairs = [a * k + b for i, a in enumerate(unit) for j, b in enumerate(unit) if i != j]
        rows += [row] * len(pairs)
        columns += pairs
        weights += [1 / (len(unit) - 1)] * len(pairs)
    return csr_array((weights, (rows, columns)), shape=(len(units), k * k))


def _alpha(coincidences: Matrix, numbers: Matrix, scale: Scale) -> float | None:
    k = len(numbers)
    table = np.asarray(coincidences).reshape(k, k)
    totals = table.sum(axis=1)
    distance = _distance(totals, numbers, scale)
    expected = float(totals @ distance @ totals)
    if expected == 0:
        return None
    return 1 - float((totals.sum() - 1) * (table * distance).sum()) / expected


def _distance(totals: Matrix, numbers: Matrix, scale: Scale) -> Matrix:
    """Squared distance of every two values."""
    if scale == "nominal":
        return 1 - np.eye(len(numbers))
    # Ordinal: ranks in the middle of their ties, so that what lies between two values counts, the ends half.
    places = np.cumsum(totals) - totals / 2 if scale == "ordinal" else numbers
    return np.asarray((places[:, None] - places[None, :]) ** 2, dtype=np.float64)


@dataclass(frozen=True)
class Raters:
    """What several people's answers say of the items and of the people, after Dawid and Skene."""

    chances: Matrix
    """How likely each value is for each item: (items, values)."""
    confusions: Mapping[str, Matrix]
    """Per person, how often value i of the truth is answered with j: (values, values), rows sum to 1."""
    shares: Matrix
    """How frequent each value is."""
    accuracies: Mapping[str, float]
    """How often each person's answer is the true one, as far as that can be told."""


def dawid_skene(
    ratings: Sequence[Mapping[str, int]], values: int, *, prior: float = 1.0, rounds: int = 50
) -> Raters:
    """The true values and each person's confusions that explain the answers best, by EM.

    `ratings` has each item's answers by person. Dawid and Skene 1979, Applied Statistics 28:20-28. `prior`
    is what is added to each row of a person's counts, half of it on the diagonal and half spread over the
    row, so that a person with few answers counts as a fair one.
    """
    people = sorted({person for unit in ratings for person in unit})
    said = {person: _said(ratings, person, values) for person in people}
    chances = sum(said.values(), np.full((len(ratings), values), 1e-9))
    chances /= chances.sum(axis=1, keepdims=True)
    start = prior * (np.full((values, values), 1 / values) + np.eye(values)) / 2
    confusions, shares = dict[str, Matrix](), np.zeros(values)
    for _ in range(rounds):
        counts = {person: chances.T @ said[person] + start for person in people}
        confusions = {person: count / count.sum(axis=1, keepdims=True) for person, count in counts.items()}
        shares = (chances.sum(axis=0) + 1 / values) / (len(ratings) + 1)
        logs = np.log(shares) + sum(said[person] @ np.log(confusions[person]).T for person in people)
        logs -= logs.max(axis=1, keepdims=True)
        before, chances = chances, np.exp(logs)
        chances /= chances.sum(axis=1, keepdims=True)
        if np.abs(chances - before).max() < 1e-6:
            break
    right = {person: float((chances * said[person]).sum() / said[person].sum()) for person in people}
    return Raters(chances, confusions, shares, right)


def _said(ratings: Sequence[Mapping[str, int]], person: str, values: int) -> Matrix:
    """1 where the person gave that value to that item: (items, values)."""
    found = np.zeros((len(ratings), values))
    for row, unit in enumerate(ratings):
        if person in unit:
            found[row, unit[person]] = 1.0
    return found
