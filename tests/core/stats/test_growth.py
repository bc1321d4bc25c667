"""A learning curve's law says where the error goes, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.stats import power_laws

SIZES = [250, 500, 1000, 2000, 4000]


def error(size: float, floor: float, scale: float, exponent: float) -> float:
    return floor + scale * size**-exponent


def test_a_curve_without_noise_is_continued_where_it_goes() -> None:
    true = (0.05, 3.0, 0.5)
    laws = power_laws(SIZES, [error(size, *true) for size in SIZES], [0.0005] * 5)
    value, interval = laws.error(8000)
    assert value == pytest.approx(error(8000, *true), abs=0.004)
    assert error(8000, *true) in interval
    gain, _ = laws.gain(4000, 500)
    assert gain == pytest.approx(error(4000, *true) - error(4500, *true), abs=0.0006)


def test_intervals_hold_what_they_promise_on_curves_of_many_kinds() -> None:
    chance = np.random.default_rng(3)
    held = 0
    for curve in range(100):
        true = (chance.uniform(0, 0.15), chance.uniform(1, 6), chance.uniform(0.3, 0.8))
        measured = [error(size, *true) + chance.normal(0, 0.006) for size in SIZES]
        laws = power_laws(SIZES, measured, [0.006] * 5, draws=1000, seed=curve)
        held += error(8000, *true) in laws.error(8000, confidence=0.9)[1]
    assert 84 <= held <= 100


def test_a_flat_curve_gains_nothing() -> None:
    gain, interval = power_laws(SIZES, [0.2] * 5, [0.001] * 5).gain(4000, 500)
    assert gain < 0.002 and interval.low >= 0


@settings(max_examples=30, deadline=None)
@given(
    errors=st.lists(st.floats(0.01, 0.9), min_size=5, max_size=5),
    more=st.floats(1, 10_000),
)
def test_more_examples_never_make_a_law_worse(errors: list[float], more: float) -> None:
    laws = power_laws(SIZES, errors, [0.01] * 5, draws=200)
    _, small = laws.gain(4000, more)
    _, large = laws.gain(4000, 2 * more)
    assert small.low >= 0 and small.high <= large.high + 1e-12


def test_two_sizes_say_nothing_of_a_curve() -> None:
    with pytest.raises(ValueError, match="it takes 3"):
        power_laws([100, 200], [0.3, 0.2], [0.01, 0.01])
