"""Scorers: known answers, and scikit-learn as the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_recall_fscore_support

from tunewright.core.types import Completion, Example, Message
from tunewright.runtime.measure import aggregate
from tunewright.runtime.measure.labels import INVALID, label_of
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.measure.scorers.accuracy import Accuracy
from tunewright.runtime.measure.scorers.exact import Exact
from tunewright.runtime.measure.scorers.invalid_rate import InvalidRate
from tunewright.runtime.measure.scorers.macro_f1 import MacroF1
from tunewright.runtime.measure.scorers.token_f1 import TokenF1

LABELS = ("card_lost", "rate", "top up")
ANSWERS = (*LABELS, "no such label")
pairs = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(ANSWERS)), min_size=1, max_size=60)


def asked(label: str) -> Example:
    return Example(id="e", messages=(Message(role="user", content="?"),), label=label)


def figure(scorer: Scorer, said: Sequence[tuple[str, str]]) -> float:
    bound = scorer.for_labels(LABELS)
    return bound.combine([bound.score(asked(e), Completion(text=a)) for e, a in said])


@given(pairs)
def test_accuracy_equals_scikit_learns(said: list[tuple[str, str]]) -> None:
    expected, answered = zip(*said, strict=True)
    assert figure(Accuracy(), said) == pytest.approx(accuracy_score(expected, answered))


@given(pairs)
def test_macro_f1_equals_scikit_learns_over_the_labels_expected(said: list[tuple[str, str]]) -> None:
    expected, answered = zip(*said, strict=True)
    known = f1_score(expected, answered, labels=sorted(set(expected)), average="macro", zero_division=0)
    assert figure(MacroF1(), said) == pytest.approx(known)


@given(pairs)
def test_invalid_rate_counts_the_answers_that_are_no_label(said: list[tuple[str, str]]) -> None:
    assert figure(InvalidRate(), said) == pytest.approx(sum(a not in LABELS for _, a in said) / len(said))


@given(pairs)
def test_classes_and_confusion_equal_scikit_learns(said: list[tuple[str, str]]) -> None:
    expected, answers = zip(*said, strict=True)
    completions = [Completion(text=answer) for answer in answers]
    answered = aggregate.answered(completions, LABELS)
    cells = aggregate.confusion([asked(label) for label in expected], answered)
    known = precision_recall_fscore_support(expected, answered, labels=LABELS, zero_division=0)
    for place, one in enumerate(aggregate.per_class(cells, LABELS)):
        assert (one.precision, one.recall, one.f1, one.support) == pytest.approx(
            tuple(values[place] for values in known)
        )
    table = confusion_matrix(expected, answered, labels=[*LABELS, INVALID])
    assert sum(sum(row.values()) for row in cells.values()) == table.sum()
    for row, name in enumerate(LABELS):
        for column, said_label in enumerate((*LABELS, INVALID)):
            assert cells.get(name, {}).get(said_label, 0) == table[row][column]


@given(pairs, st.lists(st.integers(0, 3), min_size=60, max_size=60))
@pytest.mark.parametrize("scorer", [Accuracy(), MacroF1(), InvalidRate()])
def test_a_weight_counts_an_answer_as_often(
    scorer: Scorer, said: list[tuple[str, str]], weights: list[int]
) -> None:
    bound = scorer.for_labels(LABELS)
    scores = [bound.score(asked(e), Completion(text=a)) for e, a in said]
    repeated = [score for score, weight in zip(scores, weights, strict=False) for _ in range(weight)]
    counted = np.asarray(weights[: len(scores)], dtype=float)
    assert bound.weighted(scores)(counted) == pytest.approx(bound.combine(repeated))


@pytest.mark.parametrize("text", ["card_lost", " card_lost\n", "CARD_LOST", "Card_Lost"])
def test_white_space_and_case_do_not_make_an_answer_invalid(text: str) -> None:
    assert label_of(text, LABELS) == "card_lost"


def test_runs_of_white_space_inside_a_label_are_one_blank() -> None:
    assert label_of("Top \n up", LABELS) == "top up"


@pytest.mark.parametrize("text", ["", "card", "card_lost.", "the label is rate"])
def test_an_answer_that_is_not_the_label_alone_is_invalid(text: str) -> None:
    assert label_of(text, LABELS) is None


def test_labels_that_differ_only_by_case_stay_two() -> None:
    assert [label_of(text, ("a", "A")) for text in ("a", "A")] == ["a", "A"]


def test_labels_given_as_an_option_are_kept() -> None:
    assert Accuracy(labels=("x",)).for_labels(LABELS).labels == ("x",)


def test_exact_takes_any_reference_and_ignores_case_only_if_asked() -> None:
    example = Example(id="e", references=("Paris", "the city of Paris"))
    for scorer, text, value in (
        (Exact(), " Paris ", 1.0),
        (Exact(), "the city of Paris", 1.0),
        (Exact(), "paris", 0.0),
        (Exact(ignore_case=True), "paris", 1.0),
    ):
        assert scorer.score(example, Completion(text=text)).value == value


def test_token_f1_is_that_of_squad() -> None:
    example = Example(id="e", references=("the quick brown fox",))
    scorer = TokenF1()
    assert scorer.score(example, Completion(text="a brown fox")).value == pytest.approx(4 / 7)
    assert scorer.score(example, Completion(text="")).value == 0.0
    assert scorer.score(example, Completion(text="The QUICK, brown fox!")).value == 1.0
