"""The classical rung of the ladder."""

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.core.errors import DataError
from tunewright.evaluate.classical import fit

ROUTING = Path(__file__).parents[2] / "examples" / "ticket-routing" / "data"
WORDS = {
    "card": ["my card is lost", "the card has not arrived", "where is my new card", "the card is broken"],
    "rate": [
        "the exchange rate is wrong",
        "which rate do you use",
        "the rate was better",
        "how is the rate set",
    ],
    "top-up": ["my top-up failed", "top up by cheque", "the top-up is pending", "can I top up automatically"],
}
TEXTS = [text for texts in WORDS.values() for text in texts]
LABELS = [label for label, texts in WORDS.items() for _ in texts]


def read(name: str) -> tuple[list[str], list[str]]:
    with (ROUTING / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["category"] for row in rows]


def test_what_was_learned_is_answered() -> None:
    assert fit(TEXTS, LABELS).predict(TEXTS) == LABELS


def test_a_question_in_other_words_is_answered_by_its_meaning() -> None:
    asked = ["I am still waiting for the debit card", "what currency conversion do I get"]
    assert fit(TEXTS, LABELS).predict(asked) == ["card", "rate"]


def test_the_same_seed_gives_the_same_answers_and_the_order_of_questions_does_not_matter() -> None:
    model, again = fit(TEXTS, LABELS, seed=3), fit(TEXTS, LABELS, seed=3)
    asked = [f"{a} {b}" for a in TEXTS[::3] for b in TEXTS[::2]]
    shuffled = random.Random(0).sample(asked, len(asked))
    assert model.predict(asked) == again.predict(asked)
    assert sorted(zip(shuffled, model.predict(shuffled), strict=True)) == sorted(
        zip(asked, model.predict(asked), strict=True)
    )
    assert model.selection == again.selection


def test_questions_asked_alone_get_the_answers_they_get_together() -> None:
    model = fit(TEXTS, LABELS)
    assert [model.predict([text])[0] for text in TEXTS] == model.predict(TEXTS)


def test_the_report_is_told_how_the_model_was_chosen() -> None:
    assert "best of 3 on a held-out fifth" in fit(TEXTS, LABELS).selection
    assert "too few examples to choose" in fit(["card", "rate"], ["a", "b"]).selection


def test_a_label_with_one_example_is_learned_too() -> None:
    model = fit([*TEXTS, "please close the account"], [*LABELS, "closing"])
    assert model.predict(["please close the account"]) == ["closing"]


@pytest.mark.parametrize("question", ["", "   ", "\U00013000", "word " * 2000])
def test_any_question_gets_one_of_the_labels(question: str) -> None:
    assert fit(TEXTS, LABELS).predict([question])[0] in WORDS


def test_texts_without_a_letter_are_told_apart_too() -> None:
    assert fit(["😀😀", "😀!", "🔥🔥", "🔥!"], ["glad", "glad", "hot", "hot"]).predict(["😀?", "🔥?"]) == [
        "glad",
        "hot",
    ]


def test_no_question_gets_no_answer() -> None:
    assert fit(TEXTS, LABELS).predict([]) == []


@pytest.mark.parametrize("labels", [[], ["card"] * 4])
def test_fewer_than_two_labels_are_refused_with_a_remedy(labels: list[str]) -> None:
    with pytest.raises(DataError, match="at least two labels") as caught:
        fit(TEXTS[: len(labels)], labels)
    assert "leave out" in caught.value.problems[0].fix


def test_the_classical_rung_is_strong_on_the_routing_example() -> None:
    model = fit(*read("train.csv"))
    questions, expected = read("test.csv")
    right = sum(a == e for a, e in zip(model.predict(questions), expected, strict=True))
    assert right / len(expected) > 0.85


def test_naming_the_rung_loads_nothing_heavy() -> None:
    script = (
        "import sys, tunewright.evaluate.classical;"
        "assert not {'numpy', 'sklearn', 'scipy', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
