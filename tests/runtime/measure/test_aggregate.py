"""Metrics with intervals, and paired comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.measure import aggregate
from tunewright.runtime.measure.compare import compare
from tunewright.runtime.measure.scorers.accuracy import Accuracy
from tunewright.runtime.measure.scorers.macro_f1 import MacroF1
from tunewright.runtime.measure.scorers.token_f1 import TokenF1

LABELS = ("a", "b", "c")
said = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=5, max_size=40)


def scores_of(pairs: list[tuple[str, str]]) -> list[Score]:
    scorer = MacroF1(labels=LABELS)
    return [scorer.score(Example(id="e", label=e), Completion(text=a)) for e, a in pairs]


@settings(max_examples=15, deadline=None)
@given(said)
def test_an_interval_holds_its_value(pairs: list[tuple[str, str]]) -> None:
    scores = scores_of(pairs)
    for scorer in (Accuracy(labels=LABELS), MacroF1(labels=LABELS)):
        metric = aggregate.metric("m", scorer, scores)
        assert 0 <= metric.low <= metric.value <= metric.high <= 1
        assert metric.n == len(pairs)


@given(said, st.integers(0, 9))
def test_a_resample_counted_together_is_the_resample_itself(pairs: list[tuple[str, str]], seed: int) -> None:
    scores, scorer = scores_of(pairs), MacroF1(labels=LABELS)
    drawn = np.random.default_rng(seed).integers(0, len(scores), len(scores))
    direct = scorer.combine([scores[index] for index in drawn])
    assert aggregate.resampled(scorer, scores)(drawn) == pytest.approx(direct)


def test_every_answer_right_still_has_an_interval_with_width() -> None:
    metric = aggregate.metric("accuracy", Accuracy(labels=LABELS), scores_of([("a", "a")] * 50))
    assert metric.value == metric.high == 1.0 and 0.9 < metric.low < 0.95


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = scores_of([("a", "a"), ("b", "c"), ("c", "c")] * 10)
    one, two = (aggregate.metric("m", MacroF1(labels=LABELS), scores, seed=3) for _ in range(2))
    assert one == two


def test_near_duplicates_give_a_second_figure_and_none_gives_none() -> None:
    scorer = Accuracy(labels=LABELS)
    tagged = Example(id="1", label="a", tags=("near-duplicate",))
    fresh = Example(id="2", label="b")
    scores = {"accuracy": scores_of([("a", "a"), ("b", "c")])}
    both = aggregate.metrics({"accuracy": scorer}, scores, [tagged, fresh])
    assert [(m.name, m.value, m.n) for m in both] == [
        ("accuracy", 0.5, 2),
        ("accuracy_without_near_duplicates", 0.0, 1),
    ]
    assert len(aggregate.metrics({"accuracy": scorer}, scores, [fresh, fresh])) == 1


def values(right: list[bool]) -> list[Score]:
    return [Score(value=float(one)) for one in right]


def test_a_clear_difference_is_found_and_turns_round_with_the_names() -> None:
    good, bad = values([True] * 90 + [False] * 10), values([True] * 60 + [False] * 40)
    there = compare(Accuracy(), "accuracy", ("good", good), ("bad", bad))
    back = compare(Accuracy(), "accuracy", ("bad", bad), ("good", good))
    assert there.difference == pytest.approx(0.3) and there.low > 0.2 and there.p_value < 0.001
    assert there.needed is not None and there.needed < 100
    assert back.difference == pytest.approx(-there.difference) and back.p_value == there.p_value


def test_equal_candidates_have_no_difference_and_no_number_that_shows_one() -> None:
    scores = values([True, False] * 20)
    found = compare(Accuracy(), "accuracy", ("a", scores), ("b", scores))
    assert (found.difference, found.low, found.high, found.p_value, found.needed) == (0, 0, 0, 1.0, None)


def test_scores_between_zero_and_one_are_compared_by_permutation() -> None:
    a = [Score(value=0.2 + 0.01 * i) for i in range(30)]
    b = [Score(value=0.1 + 0.01 * i) for i in range(30)]
    found = compare(TokenF1(), "token_f1", ("a", a), ("b", b))
    assert found.test == "paired permutation" and found.p_value < 0.001 and found.needed is None
    assert found.low == pytest.approx(0.1)
