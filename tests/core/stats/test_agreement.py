"""Agreement: published worked values, brute force, and simulated people of known bias."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from tunewright.core.stats import agreement as ag

NONE = None
FOUR = (  # Krippendorff 2011, section D: four observers, twelve units, any number of values
    (1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3),
    (NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE),
)


def units(table: tuple[tuple[int | None, ...], ...]) -> list[list[int]]:
    return [[value - 1 for value in column if value is not None] for column in zip(*table, strict=True)]


@pytest.mark.parametrize(
    ("scale", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_the_published_one(scale: ag.Scale, published: float) -> None:
    assert ag.krippendorff_alpha(units(FOUR), 5, scale) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize(
    ("table", "published"),
    [((20, 5, 10, 15), 0.4), ((45, 15, 25, 15), 0.1304), ((25, 35, 5, 35), 0.2593)],
)
def test_kappa_is_the_published_one(table: tuple[int, ...], published: float) -> None:
    pairs = [(0, 0)] * table[0] + [(0, 1)] * table[1] + [(1, 0)] * table[2] + [(1, 1)] * table[3]
    first, second = zip(*pairs, strict=True)
    assert ag.cohen_kappa(first, second, 2) == pytest.approx(published, abs=5e-5)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    for ours, theirs in (("none", None), ("linear", "linear"), ("quadratic", "quadratic")):
        found = ag.cohen_kappa(first, second, 4, ours)  # type: ignore[arg-type]
        if len({*first, *second}) > 1:
            expected = cohen_kappa_score(first, second, labels=range(4), weights=theirs)
            assert found == pytest.approx(expected)
        else:
            assert found is None


def test_kappa_by_the_square_of_numbers_hangs_on_the_numbers_and_not_on_their_order() -> None:
    """By hand: 1 and 2, and 5 and 1, were taken for each other once."""
    first, second = (0, 0, 1, 2), (0, 2, 0, 2)  # of 1, 5 and 2, in the order in which they were said
    found = ag.cohen_kappa(first, second, [1.0, 5.0, 2.0], "quadratic")
    chance = sum((a - b) ** 2 for a in (1, 1, 5, 2) for b in (1, 2, 1, 2)) / 4
    assert found == pytest.approx(1 - (1 + 16) / chance)
    assert found == ag.cohen_kappa((0, 0, 2, 1), (0, 1, 0, 1), [1.0, 2.0, 5.0], "quadratic")


def by_brute_force(found: list[list[int]], scale: str) -> float | None:
    """Disagreement within items over disagreement of all values, pair by pair, as the definition says."""
    found = [unit for unit in found if len(unit) > 1]
    everything = [value for unit in found for value in unit]
    counts = Counter(everything)

    def distance(a: int, b: int) -> float:
        if scale == "nominal":
            return float(a != b)
        if scale == "interval":
            return float((a - b) ** 2)
        low, high = sorted((a, b))
        between = sum(counts[value] for value in range(low, high + 1))
        return float((between - (counts[a] + counts[b]) / 2) ** 2)

    within = sum(
        distance(a, b) / (len(unit) - 1) for unit in found for a, b in itertools.permutations(unit, 2)
    ) / max(1, len(everything))
    among = sum(distance(a, b) for a, b in itertools.permutations(everything, 2))
    pairs = len(everything) * (len(everything) - 1)
    return None if among == 0 else 1 - within / (among / pairs)


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=12))
def test_alpha_is_what_the_definition_gives(found: list[list[int]]) -> None:
    scales: tuple[ag.Scale, ...] = ("nominal", "ordinal", "interval")
    for scale in scales:
        expected = by_brute_force(found, scale)
        counted = ag.krippendorff_alpha([unit for unit in found if len(unit) > 1], 4, scale)
        assert counted == (None if expected is None else pytest.approx(expected))


def test_the_interval_of_alpha_holds_the_truth_as_often_as_it_says() -> None:
    """Two people who tell the truth with p, else any of three values: alpha is p squared."""
    share, hits, repeats = 0.8, 0, 20
    for seed in range(repeats):
        random = np.random.default_rng(seed)
        truth = random.integers(0, 3, 150)
        said = [np.where(random.random(150) < share, truth, random.integers(0, 3, 150)) for _ in range(2)]
        found = ag.alpha_of(np.stack(said, axis=1).tolist(), 3, seed=seed)
        hits += found.interval is not None and share**2 in found.interval
    assert hits >= 0.8 * repeats


def test_without_shared_items_there_is_no_figure() -> None:
    assert ag.alpha_of([[0], [1], []], 2) == ag.Agreement(None, None, 0)


def test_people_of_known_bias_are_recovered() -> None:
    """1,500 items; one person is careful, one calls half of value 2 a 1, one guesses half."""
    random = np.random.default_rng(1)
    truth = random.choice(3, 1500, p=[0.5, 0.2, 0.3])
    confusions = {
        "careful": np.array([[0.96, 0.02, 0.02], [0.02, 0.96, 0.02], [0.02, 0.02, 0.96]]),
        "biased": np.array([[0.95, 0.03, 0.02], [0.03, 0.94, 0.03], [0.02, 0.48, 0.5]]),
        "guessing": np.full((3, 3), 1 / 6) + np.eye(3) / 2,
    }
    ratings = [
        {
            name: int(random.choice(3, p=rows[value]))
            for name, rows in confusions.items()
            if random.random() < 0.9
        }
        for value in truth
    ]
    found = ag.dawid_skene(ratings, 3)
    for name, rows in confusions.items():
        assert np.abs(found.confusions[name] - rows).max() < 0.1
        assert found.accuracies[name] == pytest.approx(
            float(np.array([0.5, 0.2, 0.3]) @ np.diag(rows)), abs=0.05
        )
    believed = found.chances.argmax(axis=1)
    majority = [Counter(unit.values()).most_common(1)[0][0] if unit else -1 for unit in ratings]
    assert (believed == truth).mean() > np.mean(np.array(majority) == truth) + 0.02
