"""Paired tests and the correction for several of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as reference
from statsmodels.stats.contingency_tables import mcnemar as reference_mcnemar
from statsmodels.stats.multitest import multipletests

from tunewright.core.stats import holm, mcnemar, paired_permutation

CELLS = st.tuples(*[st.integers(0, 60)] * 4)


def answers(both: int, only_a: int, only_b: int, neither: int) -> tuple[list[bool], list[bool]]:
    a = [True] * (both + only_a) + [False] * (only_b + neither)
    b = [True] * both + [False] * only_a + [True] * only_b + [False] * neither
    return a, b


@given(CELLS)
def test_the_exact_test_equals_statsmodels(cells: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = cells
    theirs = reference_mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
    assert mcnemar(*answers(*cells), method="exact") == pytest.approx(theirs, rel=1e-9)


@given(CELLS)
def test_the_chi2_test_equals_statsmodels(cells: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = cells
    if only_a + only_b:
        theirs = reference_mcnemar([[both, only_a], [only_b, neither]], exact=False, correction=False).pvalue
        assert mcnemar(*answers(*cells), method="chi2") == pytest.approx(theirs, rel=1e-9)


@given(CELLS)
def test_the_mid_p_test_is_the_exact_one_less_half_of_what_was_seen(cells: tuple[int, int, int, int]) -> None:
    _, only_a, only_b, _ = cells
    n, fewer = only_a + only_b, min(only_a, only_b)
    expected = 2 * reference.binom.cdf(fewer, n, 0.5) - reference.binom.pmf(fewer, n, 0.5) if n else 1.0
    assert mcnemar(*answers(*cells), method="mid-p") == pytest.approx(expected, rel=1e-9)


def test_the_mid_p_value_of_the_published_airway_study_is_found() -> None:
    # Fagerland, Lydersen and Laake 2013, table 1: 1 and 7 discordant pairs; exact 0.070, mid-p 0.039.
    a, b = answers(1, 1, 7, 12)
    assert mcnemar(a, b, method="mid-p") == pytest.approx(0.039, abs=5e-4)
    assert mcnemar(a, b) == mcnemar(a, b, method="exact") == pytest.approx(0.070, abs=5e-4)


def test_many_discordant_pairs_neither_overflow_nor_vanish() -> None:
    assert 0 < mcnemar(*answers(0, 3000, 2000, 0)) < 1e-40
    assert mcnemar(*answers(0, 5000, 5000, 0)) > 0.99


@given(CELLS)
def test_a_test_does_not_care_which_candidate_comes_first(cells: tuple[int, int, int, int]) -> None:
    a, b = answers(*cells)
    assert mcnemar(a, b) == mcnemar(b, a)
    assert 0 <= mcnemar(a, b) <= 1


@pytest.mark.parametrize("test", ["mcnemar", "permutation"])
def test_equal_candidates_differ_as_rarely_as_promised(test: str) -> None:
    random = np.random.default_rng(2)
    repeats, found = 800, 0
    for repeat in range(repeats):
        hard = random.random(200)
        a, b = (hard + random.random(200) < 1.4 for _ in range(2))
        p = mcnemar(list(a), list(b)) if test == "mcnemar" else paired_permutation(a, b, repeat, repeats=300)
        found += p <= 0.05
    assert found / repeats <= 0.065


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=9))
@settings(max_examples=40, deadline=None)
def test_few_differences_are_tested_exactly_as_scipy_does(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.asarray(side, dtype=float) for side in zip(*pairs, strict=True))
    theirs = reference.permutation_test(
        (a, b),
        lambda x, y: np.mean(x - y),
        permutation_type="samples",
        n_resamples=np.inf,
        alternative="two-sided",
    )
    assert paired_permutation(a, b) == pytest.approx(theirs.pvalue, abs=1e-9)


def test_many_differences_are_tested_by_random_swaps_as_scipy_does() -> None:
    random = np.random.default_rng(8)
    a, b = random.normal(0.15, 1, 120), random.normal(0, 1, 120)
    theirs = reference.permutation_test(
        (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=5000, rng=random
    )
    assert paired_permutation(a, b, repeats=5000) == pytest.approx(theirs.pvalue, abs=0.03)


def test_right_and_wrong_answers_get_nearly_the_p_value_of_mcnemars_test() -> None:
    a, b = answers(300, 60, 35, 100)
    assert paired_permutation(a, b) == pytest.approx(mcnemar(a, b, method="exact"), abs=0.005)


def test_the_same_seed_gives_the_same_p_value_and_it_is_never_zero() -> None:
    a, b = np.ones(200), np.zeros(200)
    assert paired_permutation(a, b, 3) == paired_permutation(a, b, 3) == 1 / 10_001
    assert paired_permutation(a, a) == 1.0


@pytest.mark.parametrize(
    "p_values", [[0.03], [0.01, 0.04, 0.03], [0.02, 0.02, 0.5, 0.001], [0.9, 0.6, 0.4], [0.0, 1.0]]
)
def test_holm_equals_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(tuple(multipletests(p_values, method="holm")[1]))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(after >= before for before, after in zip(p_values, adjusted, strict=True))
    by_before = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]
    assert by_before == sorted(by_before)


def test_answers_to_different_examples_and_values_that_are_no_p_values_are_refused() -> None:
    with pytest.raises(ValueError, match="the same examples"):
        mcnemar([True], [True, False])
    with pytest.raises(ValueError, match="finite"):
        paired_permutation([float("nan")], [0.0])
    with pytest.raises(ValueError, match="p-value"):
        holm([1.5])
