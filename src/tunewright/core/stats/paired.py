"""Tests of two candidates on the same examples, and of several at once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EXACT_FLIPS = 12
"""Differences up to which every pattern of signs is tried (4,096)."""
_FEW_DISCORDANT = 25
"""Below this many discordant pairs the exact test, whose level is never above the promised one."""
_CELLS = 1 << 21
_TIE = 1e-9
"""Relative slack: sums that differ only by the order of addition are the same."""


def mcnemar(
    a: Sequence[bool], b: Sequence[bool], *, method: Literal["auto", "exact", "mid-p", "chi2"] = "auto"
) -> float:
    """The two-sided p-value that `a` and `b` are right equally often, on the same examples.

    Only examples on which they differ count. `auto` is the exact binomial test for fewer than 25 of them and
    the mid-p test from there on, which keeps its level and loses less power (Fagerland, Lydersen and Laake
    2013, BMC Medical Research Methodology 13:91). `chi2` has no continuity correction.
    """
    right_a, right_b = _pair(a, b)
    only_a = int(np.count_nonzero(right_a > right_b))
    only_b = int(np.count_nonzero(right_a < right_b))
    discordant, fewer = only_a + only_b, min(only_a, only_b)
    if discordant == 0:
        return 1.0
    if method == "chi2":
        return math.erfc(abs(only_a - only_b) / math.sqrt(2 * discordant))
    at_most, exactly = _fair_coin(fewer, discordant)
    if method == "exact" or (method == "auto" and discordant < _FEW_DISCORDANT):
        return min(1.0, 2 * at_most)
    return min(1.0, 2 * at_most - exactly)


def paired_permutation(a: ArrayLike, b: ArrayLike, seed: int = 0, *, repeats: int = 10_000) -> float:
    """The two-sided p-value that the mean of `a - b` is zero, by swapping the two within examples.

    All swaps are tried where there are at most 12 differences; else `repeats` random ones, and the observed
    one counts as one of them, so that p is never 0 (Phipson and Smyth 2010, SAGMB 9:39).
    """
    left, right = _pair(a, b)
    differences = left - right
    differences = differences[differences != 0]
    if not np.isfinite(differences).all():
        raise ValueError("a score is not a finite number")
    observed = abs(float(differences.sum())) - _TIE * float(np.abs(differences).sum())
    if len(differences) <= _EXACT_FLIPS:
        patterns = itertools.product((1.0, -1.0), repeat=len(differences))
        sums = np.asarray([float(np.dot(pattern, differences)) for pattern in patterns])
        return float(np.mean(np.abs(sums) >= observed))
    as_extreme = _random_flips(differences, observed, repeats, seed)
    return (1 + as_extreme) / (1 + repeats)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values of several tests, raised so that one false alarm among all is as rare as promised.

    Holm 1979, Scandinavian Journal of Statistics 6:65-70; in the order they came in.
    """
    if any(not 0 <= value <= 1 for value in p_values):
        raise ValueError("a p-value lies between 0 and 1")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for done, position in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - done) * p_values[position]))
        adjusted[position] = highest
    return tuple(adjusted)


def _fair_coin(successes: int, n: int) -> tuple[float, float]:
    """Probability of at most and of exactly this many heads in `n` tosses, in whole numbers until the end."""
    ways = total = 1
    for heads in range(successes):
        ways = ways * (n - heads) // (heads + 1)
        total += ways
    return total / 2**n, ways / 2**n


def _random_flips(differences: NDArray[np.float64], observed: float, repeats: int, seed: int) -> int:
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS // len(differences))
    found = 0
    for done in range(0, repeats, at_once):
        shape = (min(at_once, repeats - done), len(differences))
        signs = random.integers(0, 2, size=shape, dtype=np.int8).astype(np.float64) * 2 - 1
        found += int(np.count_nonzero(np.abs(signs @ differences) >= observed))
    return found


def _pair(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(f"both candidates must have answered the same examples: {left.shape}, {right.shape}")
    return left, right
