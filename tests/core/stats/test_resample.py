"""Bootstrap intervals."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as reference

from tunewright.core.stats import Interval, bootstrap, bootstrap_mean, paired_bootstrap

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


def macro_f1(truth: NDArray[np.int64], answers: NDArray[np.int64], k: int) -> Callable[..., float]:
    def at(indices: NDArray[np.int64]) -> float:
        t, a = truth[indices], answers[indices]
        hits = np.bincount(t[t == a], minlength=k)
        return float(
            np.mean(2 * hits / np.maximum(np.bincount(t, minlength=k) + np.bincount(a, minlength=k), 1))
        )

    return at


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize("shape", ["normal", "skewed", "right-or-wrong"])
def test_the_interval_of_a_mean_equals_scipys(method: str, shape: str) -> None:
    random = np.random.default_rng(3)
    values = {
        "normal": random.normal(5, 2, 80),
        "skewed": random.lognormal(0, 1, 80),
        "right-or-wrong": (random.random(80) < 0.9).astype(float),
    }[shape]
    theirs = reference.bootstrap(
        (values,), np.mean, n_resamples=20_000, method=method, rng=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap_mean(values, repeats=20_000, method=method, seed=1)
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.04 * width)


def test_the_interval_of_any_statistic_equals_scipys() -> None:
    values = np.random.default_rng(4).lognormal(0, 0.7, 60)
    theirs = reference.bootstrap(
        (values,), np.std, n_resamples=8000, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    ours = bootstrap(lambda indices: float(np.std(values[indices])), 60, repeats=8000)
    width = theirs.high - theirs.low
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.06 * width)


@given(VALUES, st.integers(0, 5), st.sampled_from(["bca", "percentile"]))
@settings(max_examples=40)
def test_a_mean_has_the_same_interval_by_the_short_and_by_the_long_way(
    values: list[float], seed: int, method: str
) -> None:
    array = np.asarray(values)
    short = bootstrap_mean(values, repeats=200, seed=seed, method=method)
    long = bootstrap(lambda i: float(array[i].mean()), len(values), repeats=200, seed=seed, method=method)
    assert (short.low, short.high) == pytest.approx((long.low, long.high), rel=1e-6, abs=1e-6)


@given(VALUES, st.integers(0, 5))
@settings(max_examples=40)
def test_an_interval_lies_between_the_smallest_and_the_largest_value(values: list[float], seed: int) -> None:
    interval = bootstrap_mean(values, repeats=200, seed=seed)
    assert min(values) - 1e-9 <= interval.low <= interval.high <= max(values) + 1e-9


@given(VALUES, st.integers(0, 5))
@settings(max_examples=40)
def test_the_same_seed_gives_the_same_interval_and_more_confidence_a_wider_one(
    values: list[float], seed: int
) -> None:
    narrow, again = (bootstrap_mean(values, confidence=0.8, repeats=200, seed=seed) for _ in range(2))
    wide = bootstrap_mean(values, confidence=0.99, repeats=200, seed=seed)
    assert narrow == again
    assert wide.low <= narrow.low + 1e-9
    assert wide.high >= narrow.high - 1e-9


@pytest.mark.parametrize("kind", ["accuracy", "continuous"])
def test_intervals_cover_the_truth_as_often_as_promised(kind: str) -> None:
    random = np.random.default_rng(11)
    covered = 0
    for repeat in range(1000):
        values = random.random(150) < 0.85 if kind == "accuracy" else random.gamma(4, 0.2125, 80)
        covered += 0.85 in bootstrap_mean(values, repeats=250, seed=repeat)
    assert 0.93 <= covered / 1000 <= 0.97


def test_paired_differences_are_covered_as_often_as_promised() -> None:
    random = np.random.default_rng(12)
    covered = 0
    for repeat in range(300):
        hard = random.random(150)
        a, b = hard + 0.3 * random.random(150) < 0.9, hard + 0.3 * random.random(150) < 0.8
        difference = a.astype(float) - b
        interval = paired_bootstrap(
            lambda i, values=difference: float(values[i].sum() / 150), 150, repeats=150, seed=repeat
        )
        covered += 0.1 in interval
    assert 0.92 <= covered / 300 <= 0.98


def test_pairing_makes_the_interval_of_a_difference_narrower() -> None:
    random = np.random.default_rng(5)
    hard = random.random(300)
    a, b = (hard < 0.8).astype(float), (hard < 0.75).astype(float)
    paired = paired_bootstrap(lambda i: float((a[i] - b[i]).mean()), 300)
    alone = bootstrap_mean(a).width + bootstrap_mean(b).width
    assert paired.low > 0
    assert paired.width < alone / 2


def test_leaving_out_groups_of_a_large_set_gives_nearly_the_interval_of_leaving_out_each() -> None:
    values = np.random.default_rng(6).exponential(1, 900)
    by_group = bootstrap(lambda i: float(values[i].mean()), 900, repeats=300)
    by_one = bootstrap_mean(values, repeats=300)
    assert (by_group.low, by_group.high) == pytest.approx((by_one.low, by_one.high), abs=0.1 * by_one.width)


def test_macro_f1_of_many_classes_has_an_interval_around_it() -> None:
    random = np.random.default_rng(7)
    truth = random.integers(0, 15, 600)
    answers = np.where(random.random(600) < 0.9, truth, random.integers(0, 15, 600))
    statistic = macro_f1(truth, answers, 15)
    interval = bootstrap(statistic, 600)
    assert statistic(np.arange(600)) in interval
    assert 0.02 < interval.width < 0.08


def test_a_figure_that_never_varies_has_an_interval_without_width() -> None:
    assert bootstrap(lambda _: 0.7, 10, repeats=50) == Interval(0.7, 0.7)
    assert bootstrap_mean([1.0]) == Interval(1.0, 1.0)
    assert bootstrap_mean([True] * 20) == Interval(1.0, 1.0)


def test_a_bias_beyond_every_resample_still_gives_an_interval() -> None:
    values = np.arange(20.0)
    interval = bootstrap(lambda indices: float(len(set(values[indices]))), 20, repeats=200)
    assert interval.low <= interval.high <= 20


def test_nothing_to_resample_and_figures_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot resample 0 examples"):
        bootstrap(lambda _: 0.0, 0)
    with pytest.raises(ValueError, match="not a finite number"):
        bootstrap(lambda _: float("nan"), 5, repeats=10)
    with pytest.raises(ValueError, match="at least one number"):
        bootstrap_mean([])
