"""Lengths, languages and terms."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewright.core.errors import SpecError
from tunewright.data.ports import Change

Apply = Callable[..., tuple[list[str], list[Change]]]


def test_examples_outside_the_limits_are_dropped_and_told(apply: Apply) -> None:
    texts = ["one", "one two three", "one two three four five"]
    found, changes = apply("length", texts, at_least=2, at_most=4, part="question")
    assert found == ["one two three"]
    assert [change.what for change in changes] == [
        "dropped: question shorter than 2 words",
        "dropped: question longer than 4 words",
    ]
    assert [change.part for change in changes] == ["example", "example"]
    assert apply("length", texts, at_most=4, part="question", unit="characters")[0] == ["one"]


def test_a_label_has_no_length(apply: Apply) -> None:
    assert apply("length", ["one two"], "Label", "Label", at_least=5, part="answer")[0] == ["one two"]
    assert not apply("length", ["one two"], "Label", at_least=5, part="answer")[0]


def test_other_languages_are_dropped_and_short_texts_kept(apply: Apply) -> None:
    english = "Where is my new card, I have been waiting for two weeks already?"
    german = "Wo bleibt denn meine neue Karte, ich warte nun schon seit zwei Wochen darauf?"
    found, (change,) = apply("language", [english, german, "Karte weg"])
    assert found == [english, "Karte weg"]
    assert change.what == "dropped: language de" and change.before is not None
    assert len(apply("language", [english, german], keep=["en", "de"])[0]) == 2


def test_terms_keep_their_capitals_and_whole_words(apply: Apply) -> None:
    text = "The client's e-mail: CLIENT, Client, clients and clientele."
    found, _ = apply("terms", [text], terms={"customer": ["client"], "email": "e-mail"})
    assert found == ["The customer's email: CUSTOMER, Customer, clients and clientele."]
    assert apply("terms", ["a bank\ncard"], terms={"payment card": "bank card"})[0] == ["a payment card"]


@pytest.mark.parametrize(
    "terms", [{"a": ["x"], "b": ["X"]}, {"a": ["b"], "b": ["c"]}, {"a": [" "]}, {"a": ["a"]}]
)
def test_a_map_that_is_not_clear_is_refused(apply: Apply, terms: dict[str, list[str]]) -> None:
    with pytest.raises(SpecError, match="not clear") as caught:
        apply("terms", ["a"], terms=terms)
    assert caught.value.problems[0].where.startswith("transforms.terms")
