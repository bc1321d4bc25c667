"""Rows become examples, and a row that cannot be one says why."""

from __future__ import annotations

import json

import pytest

from tunewright.core.errors import DataError
from tunewright.data.build import Builder
from tunewright.data.detect import Detected
from tunewright.data.spec import Columns

LABEL = Detected("label", Columns(text="text", label="label"), 1.0)
MESSAGES = Detected("messages", Columns(messages="messages"), 1.0)


def chat(*turns: tuple[str, object]) -> dict[str, str | None]:
    return {"messages": json.dumps([{"role": role, "content": content} for role, content in turns])}


def test_a_label_is_the_answer() -> None:
    made = Builder(LABEL, labelled=True).build({"text": " where is it? ", "label": "card"}, "a.csv line 2")
    assert [(turn.role, turn.content) for turn in made.messages] == [
        ("user", "where is it?"),
        ("assistant", "card"),
    ]
    assert (made.label, made.source, made.answer) == ("card", "a.csv line 2", "card")


def test_an_instruction_is_followed_by_its_input() -> None:
    found = Detected("instruction", Columns(instruction="instruction", input="input", output="output"), 1.0)
    builder = Builder(found, labelled=False)
    made = builder.build({"instruction": "Translate.", "input": "Hallo", "output": "Hello"}, "x")
    assert made.messages[0].content == "Translate.\n\nHallo" and made.label is None
    assert (
        builder.build({"instruction": "Go.", "input": None, "output": "ok"}, "x").messages[0].content == "Go."
    )


def test_the_answer_of_any_shape_is_the_label_of_a_classification() -> None:
    found = Detected("completion", Columns(prompt="prompt", completion="completion"), 1.0)
    assert Builder(found, labelled=True).build({"prompt": "a", "completion": "b"}, "x").label == "b"


def test_an_id_says_what_the_example_says_and_not_where_it_stands() -> None:
    row = {"text": "a", "label": "b"}
    one, other = Builder(LABEL, labelled=True), Builder(LABEL, labelled=True)
    assert one.build(row, "line 1").id == other.build(row, "line 9").id
    assert one.build(row, "line 2").id == other.build(row, "line 3").id != other.build(row, "line 4").id


def test_ids_of_the_user_are_kept_and_must_differ() -> None:
    builder = Builder(Detected("label", Columns(text="text", label="label", id="id"), 1.0), labelled=True)
    row = {"text": "a", "label": "b", "id": "T-1"}
    assert builder.build(row, "line 1").id == "T-1"
    with pytest.raises(DataError, match="stands twice"):
        builder.build(row, "line 2")


def test_only_a_classification_has_labels() -> None:
    row = {"text": "Hallo", "label": "Hello"}
    made = Builder(LABEL, labelled=False).build(row, "a.csv line 2")
    assert (made.label, made.answer) == (None, "Hello")


def test_files_that_each_number_their_rows_do_not_stand_in_each_others_way() -> None:
    found = Detected("label", Columns(text="text", label="label", id="id"), 1.0)
    ids: dict[str, int] = {}
    train, test = (Builder(found, True, name, ids) for name in ("train.csv", "test.csv"))
    rows = [{"text": "a", "label": "b", "id": number} for number in "12"]
    made = [builder.build(row, "x").id for builder in (train, test) for row in rows]
    assert made == ["1", "2", "test.csv:1", "test.csv:2"]
    with pytest.raises(DataError, match="stands twice"):
        test.build(rows[0], "test.csv line 4")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (chat(("user", "a")), "nothing to learn"),
        (chat(("assistant", "a")), "before anybody asked"),
        (chat(("user", "a"), ("bot", "b")), "unknown role `bot`"),
        (chat(("user", "a"), ("assistant", " ")), "has no text"),
        (chat(("user", "a"), ("assistant", None)), "has no text"),
        (chat(("user", "a"), ("system", "s"), ("assistant", "b")), "put it first|after others"),
        ({"messages": "[{}]"}, "no `role`"),
        ({"messages": "not json"}, "not a JSON list"),
        ({"messages": None}, "is empty"),
    ],
)
def test_a_conversation_that_cannot_be_learned_from_says_why(row: dict[str, str | None], said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        Builder(MESSAGES, labelled=False).build(row, "a.jsonl line 41")
    assert caught.value.problems[0].where == "a.jsonl line 41" and caught.value.problems[0].fix
