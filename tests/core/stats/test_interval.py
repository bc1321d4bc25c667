"""The interval of a proportion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from tunewright.core.stats import Interval, wilson

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_equals_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    successes, n = counts
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    ours = wilson(successes, n, confidence)
    assert (ours.low, ours.high) == pytest.approx((max(0, low), min(1, high)), abs=1e-12)


@given(COUNTS)
def test_wilson_holds_the_proportion_and_lies_within_zero_and_one(counts: tuple[int, int]) -> None:
    successes, n = counts
    interval = wilson(successes, n)
    assert successes / n in interval
    assert 0 <= interval.low < interval.high <= 1


@given(COUNTS)
def test_wilson_is_the_same_seen_from_the_failures(counts: tuple[int, int]) -> None:
    successes, n = counts
    seen, mirrored = wilson(successes, n), wilson(n - successes, n)
    assert (seen.low, seen.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-12)


@given(COUNTS)
def test_wilson_narrows_with_more_examples(counts: tuple[int, int]) -> None:
    successes, n = counts
    assert wilson(4 * successes, 4 * n).width < wilson(successes, n).width


def test_wilson_covers_the_truth_as_often_as_promised() -> None:
    random = np.random.default_rng(1)
    shares = random.uniform(0.6, 0.95, size=4000)
    drawn = random.binomial(400, shares)
    covered = np.mean([share in wilson(int(k), 400) for share, k in zip(shares, drawn, strict=True)])
    assert 0.94 <= covered <= 0.96


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_proportion_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(successes, n)


def test_an_interval_cannot_go_backwards_or_nowhere() -> None:
    with pytest.raises(ValueError, match="cannot go"):
        Interval(2.0, 1.0)
    with pytest.raises(ValueError, match="cannot go"):
        Interval(float("nan"), 1.0)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, confidence=95)
