"""Sample sizes."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunewright.core.stats import (
    Interval,
    mcnemar,
    needed_at_scale,
    needed_examples,
    needed_for_proportion,
    wilson,
)


@pytest.mark.parametrize(
    ("difference", "discordance", "power", "expected"),
    # By hand: (1.959964 sqrt(d) + z sqrt(d - gap^2))^2 / gap^2.
    [(0.1, 0.3, 0.8, 234), (0.05, 0.1, 0.8, 312), (0.05, 0.1, 0.9, 417), (-0.2, 0.4, 0.8, 77)],
)
def test_the_size_for_a_paired_difference_is_that_of_connors_formula(
    difference: float, discordance: float, power: float, expected: int
) -> None:
    assert needed_examples(difference, discordance, power) == expected


@pytest.mark.parametrize(("difference", "discordance"), [(0.05, 0.12), (0.03, 0.05), (0.1, 0.3)])
def test_the_size_for_a_paired_difference_gives_the_power_that_was_asked_for(
    difference: float, discordance: float
) -> None:
    n = needed_examples(difference, discordance)
    random = np.random.default_rng(9)
    shares = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    cells = random.multinomial(n, shares, size=1500)
    found = [
        mcnemar([True] * a + [False] * b, [False] * a + [True] * b, method="mid-p") < 0.05
        for a, b, _ in cells
    ]
    assert 0.76 <= np.mean(found) <= 0.84


@given(st.floats(0.01, 0.3), st.floats(0.01, 1), st.floats(0.5, 0.95))
def test_smaller_differences_and_more_power_need_more_examples(
    difference: float, discordance: float, power: float
) -> None:
    assume(difference <= discordance)
    n = needed_examples(difference, discordance, power)
    assert needed_examples(difference / 2, discordance, power) > n
    assert needed_examples(difference, discordance, power + 0.04) >= n
    assert needed_examples(-difference, discordance, power) == n


def test_the_size_for_a_proportion_is_that_of_the_textbook_and_gives_the_power() -> None:
    n = needed_for_proportion(0.93, 0.90)
    assert n == 716
    drawn = np.random.default_rng(10).binomial(n, 0.93, size=4000)
    found = np.mean([wilson(int(k), n).low > 0.90 for k in drawn])
    assert 0.76 <= found <= 0.85


def test_the_size_from_an_interval_agrees_with_the_size_for_a_proportion() -> None:
    by_scale = needed_at_scale(wilson(900, 1000), 1000, 0.03)
    assert by_scale == pytest.approx(needed_for_proportion(0.93, 0.90), rel=0.15)


def test_a_gap_of_half_the_size_needs_four_times_the_examples() -> None:
    interval = Interval(0.8, 0.9)
    assert needed_at_scale(interval, 400, 0.01) == pytest.approx(
        4 * needed_at_scale(interval, 400, 0.02), abs=4
    )


def test_what_no_number_of_examples_can_show_is_refused() -> None:
    with pytest.raises(ValueError, match="no size shows"):
        needed_examples(0.0, 0.1)
    with pytest.raises(ValueError, match="no size shows"):
        needed_examples(0.2, 0.1)
    with pytest.raises(ValueError, match="no size tells"):
        needed_for_proportion(0.9, 0.9)
    with pytest.raises(ValueError, match="no size shows"):
        needed_at_scale(Interval(0, 1), 10, 0.0)
    with pytest.raises(ValueError, match="power"):
        needed_examples(0.1, 0.2, power=1.0)
