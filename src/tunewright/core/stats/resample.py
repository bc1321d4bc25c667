"""Bootstrap intervals of any statistic, by drawing examples again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.core.stats.interval import Interval, two_sided

Indices = NDArray[np.integer[Any]]
Values = NDArray[np.float64]
Statistic = Callable[[Indices], float]
"""A figure of the examples at these positions; a position may come more than once."""
Method = Literal["bca", "percentile"]

_NORMAL = NormalDist()
_CELLS = 1 << 21
"""Positions drawn at a time: 16 MB, whatever the size of the set."""


def bootstrap(
    statistic: Statistic,
    n: int,
    *,
    confidence: float = 0.95,
    repeats: int = 2000,
    seed: int = 0,
    method: Method = "bca",
) -> Interval:
    """The interval of a statistic over `n` examples, from `repeats` resamples of their positions.

    `bca` corrects bias and skewness (Efron 1987, JASA 82:171-185) and asks the statistic for at most
    as many leave-out values as there are repeats; `percentile` takes the plain quantiles. A statistic
    that is the same in every resample has an interval without width: for a proportion prefer `wilson`.
    """
    draws = [statistic(indices) for block in _draws(n, repeats, seed) for indices in block]
    replicates = _finite(np.asarray(draws, dtype=np.float64))
    if method == "percentile":
        return _percentile(replicates, confidence)
    left_out = _finite(np.asarray([statistic(kept) for kept in _leave_out(n, repeats, seed)]))
    return _bca(replicates, statistic(np.arange(n)), left_out, confidence)


def bootstrap_mean(
    values: ArrayLike,
    *,
    confidence: float = 0.95,
    repeats: int = 2000,
    seed: int = 0,
    method: Method = "bca",
) -> Interval:
    """The interval of the mean of one value an example: `bootstrap` of a mean, only faster."""
    array = _finite(np.asarray(values, dtype=np.float64))
    n = len(array)
    replicates = np.concatenate([array[block].mean(axis=1) for block in _draws(n, repeats, seed)])
    if method == "percentile":
        return _percentile(replicates, confidence)
    left_out = (array.sum() - array) / (n - 1) if n > 1 else array
    return _bca(replicates, float(array.mean()), left_out, confidence)


def paired_bootstrap(
    difference: Statistic,
    n: int,
    *,
    confidence: float = 0.95,
    repeats: int = 2000,
    seed: int = 0,
    method: Method = "bca",
) -> Interval:
    """The interval of a difference between two candidates that answered the same `n` examples.

    `difference` gets one list of positions for both candidates, so that what is hard for both cancels.
    """
    return bootstrap(difference, n, confidence=confidence, repeats=repeats, seed=seed, method=method)


def _draws(n: int, repeats: int, seed: int) -> Iterator[Indices]:
    """Blocks of shape (resamples, n); together `repeats` resamples."""
    if n < 1 or repeats < 1:
        raise ValueError(f"cannot resample {n} examples {repeats} times")
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS // n)
    for done in range(0, repeats, at_once):
        yield random.integers(0, n, size=(min(at_once, repeats - done), n))


def _leave_out(n: int, most: int, seed: int) -> Iterator[Indices]:
    """What stays when one example, or one of `most` random groups of examples, is left out.

    The skewness of group means falls with the root of the group size, so that the acceleration
    estimated from groups is that of single examples.
    """
    everyone = np.arange(n)
    if n == 1:
        yield everyone
    elif n <= most:
        for position in range(n):
            yield np.delete(everyone, position)
    else:
        for group in np.array_split(np.random.default_rng(seed).permutation(n), most):
            yield np.delete(everyone, group)


def _percentile(replicates: Values, confidence: float) -> Interval:
    low, high = np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def _bca(replicates: Values, observed: float, left_out: Values, confidence: float) -> Interval:
    z = two_sided(confidence)
    count = len(replicates)
    # Ties count half: a statistic of few values (an accuracy) is not shifted by them.
    below = (np.count_nonzero(replicates < observed) + np.count_nonzero(replicates <= observed)) / 2
    bias = _NORMAL.inv_cdf(min(max(below, 0.5), count - 0.5) / count)
    acceleration = _acceleration(left_out)
    shares = []
    for end in (bias - z, bias + z):
        remainder = 1 - acceleration * end
        if remainder <= 0:  # the expansion has broken down: so few or so odd values
            return _percentile(replicates, confidence)
        shares.append(_NORMAL.cdf(bias + end / remainder))
    low, high = np.quantile(replicates, sorted(shares))
    return Interval(float(low), float(high))


def _acceleration(left_out: Values) -> float:
    deviation = left_out.mean() - left_out
    spread = float(np.sum(deviation**2))
    # Below rounding error the values are all the same and have no skewness.
    if spread <= len(left_out) * (1e-14 * max(1.0, float(np.abs(left_out).max()))) ** 2:
        return 0.0
    return float(np.sum(deviation**3)) / (6 * math.pow(spread, 1.5))


def _finite(values: Values) -> Values:
    if values.ndim != 1 or not len(values):
        raise ValueError("expected a list of at least one number")
    if not np.isfinite(values).all():
        raise ValueError("the statistic is not a finite number for every resample")
    return values
