"""Rows become examples, and a row that cannot be one says why."""

from __future__ import annotations

import json
import re

import pytest

from tunewright.core.types import Example, Problem
from tunewright.data.build import Builder
from tunewright.data.detect import Detected
from tunewright.data.ids import Seen
from tunewright.data.ports import batches
from tunewright.data.spec import Columns
from tunewright.runtime import examples as on_disk

LABEL = Detected("label", Columns(text="text", label="label"), 1.0)
MESSAGES = Detected("messages", Columns(messages="messages"), 1.0)


def built(builder: Builder, *rows: dict[str, str | None]) -> tuple[list[Example], list[Problem]]:
    """Examples of the rows, which stand in the lines 1, 2 and so on."""
    problems: list[Problem] = []
    (batch,) = batches((f"line {number}", dict(row)) for number, row in enumerate(rows, 1))
    return list(on_disk.of_batch(builder.build(batch, problems.append))), problems


def one(builder: Builder, row: dict[str, str | None]) -> Example:
    (made,), problems = built(builder, row)
    assert not problems
    return made


def chat(*turns: tuple[str, object]) -> dict[str, str | None]:
    return {"messages": json.dumps([{"role": role, "content": content} for role, content in turns])}


def test_a_label_is_the_answer() -> None:
    made = one(Builder(LABEL, True, "a.csv"), {"text": " where is it? ", "label": "card"})
    assert [(turn.role, turn.content) for turn in made.messages] == [
        ("user", "where is it?"),
        ("assistant", "card"),
    ]
    assert (made.label, made.source, made.answer) == ("card", "a.csv line 1", "card")


def test_an_instruction_is_followed_by_its_input() -> None:
    found = Detected("instruction", Columns(instruction="instruction", input="input", output="output"), 1.0)
    builder = Builder(found, labelled=False)
    made = one(builder, {"instruction": "Translate.", "input": "Hallo", "output": "Hello"})
    assert made.messages[0].content == "Translate.\n\nHallo" and made.label is None
    assert one(builder, {"instruction": "Go.", "input": None, "output": "ok"}).messages[0].content == "Go."


def test_the_answer_of_any_shape_is_the_label_of_a_classification() -> None:
    found = Detected("completion", Columns(prompt="prompt", completion="completion"), 1.0)
    assert one(Builder(found, labelled=True), {"prompt": "a", "completion": "b"}).label == "b"


def test_an_id_says_what_the_example_says_and_not_where_it_stands() -> None:
    row, other = {"text": "a", "label": "b"}, {"text": "a", "label": "c"}
    (first, again, third), _ = built(Builder(LABEL, labelled=True), row, row, row)
    (_, second), _ = built(Builder(LABEL, labelled=True), other, row)
    assert first.id == second.id and len({first.id, again.id, third.id}) == 3
    assert (again.id, third.id) == (f"{first.id}-2", f"{first.id}-3")


def test_ids_of_the_user_are_kept_and_must_differ() -> None:
    builder = Builder(Detected("label", Columns(text="text", label="label", id="id"), 1.0), labelled=True)
    row = {"text": "a", "label": "b", "id": "T-1"}
    made, problems = built(builder, row, row, {**row, "id": None})
    assert made[0].id == "T-1" and len(made) == 2
    assert [(problem.where, "stands twice" in problem.what) for problem in problems] == [("line 2", True)]


def test_only_a_classification_has_labels() -> None:
    row = {"text": "Hallo", "label": "Hello"}
    made = one(Builder(LABEL, labelled=False), row)
    assert (made.label, made.answer) == (None, "Hello")


def test_files_that_each_number_their_rows_do_not_stand_in_each_others_way() -> None:
    found = Detected("label", Columns(text="text", label="label", id="id"), 1.0)
    ids = Seen()
    train, test = (Builder(found, True, name, ids) for name in ("train.csv", "test.csv"))
    rows = [{"text": "a", "label": "b", "id": number} for number in "12"]
    made = [example.id for builder in (train, test) for example in built(builder, *rows)[0]]
    assert made == ["1", "2", "test.csv:1", "test.csv:2"]
    (problem,) = built(test, rows[0])[1]
    assert "stands twice" in problem.what and problem.where == "test.csv line 1"


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
    made, (problem,) = built(Builder(MESSAGES, False, "a.jsonl"), row)
    assert made == [] and re.search(said, problem.what + problem.fix)
    assert problem.where == "a.jsonl line 1" and problem.fix
