"""Labelling: the guide, what is typed, what answers come to, and files in and out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright import data
from tunewright.core.errors import DataError
from tunewright.data import DataSpec, labelling
from tunewright.data.labelling import Typed, interpret
from tunewright.data.labelling.guide import LABEL, TEXT
from tunewright.data.labelling.studio import tasks
from tunewright.runtime.queue import Answer, Item, Suggestion, open_queue

DESKS = ("card", "card lost", "loan", "log in")


def item(number: int, *said: tuple[str, str], wanted: int = 2, **more: object) -> Item:
    answers = tuple(Answer(annotator=who, value=value, time=100.0 + n) for n, (who, value) in enumerate(said))
    payload = {"text": f"question {number}", "source": f"a.csv line {number}"}
    return Item.model_validate(
        {"id": f"i{number}", "payload": payload, "wanted": wanted, "answers": answers, **more}
    )


def test_the_guide_has_a_section_a_label_and_keeps_what_people_wrote(tmp_path: Path) -> None:
    path = tmp_path / "labelling.md"
    made = labelling.write_guide(path, "Route it.", LABEL, ["card", "loan"], {"card": ["my  card\nis lost"]})
    assert made.labels == ("card", "loan")
    assert made.text.startswith("# Labelling guide\n\nRoute it.\n")
    assert made.sections["card"].splitlines() == [
        "**Definition:**", "", "**Examples:**", "- my card is lost", "", "**Edge cases:**",
    ]  # fmt: skip
    path.write_text(
        made.text.replace("**Definition:**", "**Definition:** plastic", 1) + "## own heading ##\n"
    )
    again = labelling.write_guide(path, "Other words.", LABEL, ["loan", "login"], {})
    assert again.labels == ("card", "loan", "own heading", "login")
    assert "plastic" in again.sections["card"] and "Other words" not in again.text


def test_the_guide_of_a_written_task_asks_for_good_and_bad_answers(tmp_path: Path) -> None:
    made = labelling.write_guide(tmp_path / "g.md", "Sum it up.", TEXT, [], {})
    assert "## What a good answer has" in made.text
    with pytest.raises(DataError):
        labelling.write_guide(tmp_path / "g.md", "x", LABEL, ["two\nlines"], {})


@pytest.mark.parametrize(
    ("typed", "meaning", "value"),
    [
        ("", "accept", ""),
        ("u", "undo", ""),
        (":s", "skip", ""),
        ("?", "guide", ""),
        ("q", "quit", ""),
        ("1", "give", "card"),
        ("4", "give", "log in"),
        ("LOAN", "give", "loan"),
        ("card", "give", "card"),
        ("card l", "give", "card lost"),
        ("lost", "give", "card lost"),
        ("lo", "unclear", ""),
        ("xyz", "unclear", ""),
        ("9", "unclear", ""),
    ],
)
def test_a_label_is_given_by_key_by_name_or_by_part_of_its_name(typed: str, meaning: str, value: str) -> None:
    found = interpret(typed + "\n", LABEL, DESKS)
    assert (found.meaning, found.value) == (meaning, value)


def test_a_label_that_is_named_like_a_command_can_be_given() -> None:
    assert interpret("s", LABEL, ("s", "t")).value == "s"
    assert interpret(":s", LABEL, ("s", "t")).meaning == "skip"
    assert interpret("! too vague", LABEL, DESKS) == Typed("unsure", note="too vague")


def test_a_written_answer_is_a_line_unless_it_begins_with_a_colon() -> None:
    assert interpret("s", TEXT, ()) == Typed("give", "s")
    assert interpret(":s", TEXT, ()).meaning == "skip"
    assert interpret(":e", TEXT, ()).meaning == "edit"
    assert interpret(": a colon", TEXT, ()) == Typed("give", ": a colon")
    assert interpret("", TEXT, ()).meaning == "accept"


def test_every_label_has_a_key_of_its_own_or_none_has() -> None:
    few, many = [f"label {n}" for n in range(30)], [f"label {n}" for n in range(77)]
    assert list(labelling.keys(few).values()) == few
    assert not set(labelling.keys(few)) & {"u", "s", "q", "?", "!"}
    assert labelling.keys(many) == {}
    assert interpret("42", LABEL, many).value == "label 41"


def test_only_people_count_and_a_decision_counts_most() -> None:
    suggestion = Suggestion(value="loan", confidence=0.99)
    decision = Answer(annotator="cleo", kind="decided", value="loan")
    unsure = Answer(annotator="ana", kind="unsure", note="?")
    found = {
        "open": item(1, suggestion=suggestion),
        "unsure": item(2).model_copy(update={"answers": (unsure,)}),
        "single": item(3, ("ana", "card"), suggestion=suggestion),
        "agreed": item(4, ("ana", "card"), ("ben", "card")),
        "disputed": item(5, ("ana", "card"), ("ben", "loan")),
    }
    for state, one in found.items():
        assert labelling.verdict(one).state == state
    assert labelling.verdict(found["single"]).value == "card"
    settled = found["disputed"].model_copy(update={"answers": (*found["disputed"].answers, decision)})
    assert labelling.verdict(settled).value == "loan"
    counts = labelling.status([*found.values(), settled], labels=True)
    assert counts.states == dict.fromkeys((*found, "decided"), 1)
    assert counts.answers_missing == 2 + 2 + 1
    assert counts.annotators["ana"].given == 4


def test_agreement_names_the_pairs_and_what_each_person_confuses() -> None:
    said = [item(n, ("ana", "card"), ("ben", "card")) for n in range(20)]
    said += [item(n, ("ana", "loan"), ("ben", "loan"), ("cleo", "loan")) for n in range(20, 40)]
    said += [item(n, ("ana", "card"), ("ben", "card"), ("cleo", "loan")) for n in range(40, 50)]
    found = labelling.agreement(said, ("card", "loan"))
    kappas = {(pair.first, pair.second): pair.kappa.value for pair in found.pairs}
    assert kappas["ana", "ben"] == 1.0 and kappas["ana", "cleo"] == 0.0
    assert found.people["cleo"].confusions == (("card", "loan", 10),)
    assert found.people["ana"].confusions == ()
    assert found.alpha.value is not None and found.alpha.low is not None
    assert found.alpha.low <= found.alpha.value <= (found.alpha.high or 0)


def test_an_interval_scale_needs_labels_that_are_numbers() -> None:
    stars = [item(1, ("ana", "1"), ("ben", "2")), item(2, ("ana", "5"), ("ben", "5"))]
    assert (labelling.agreement(stars, ("1", "2", "5"), "interval").alpha.value or 0) > 0.9
    with pytest.raises(DataError, match="no numbers"):
        labelling.agreement([item(1, ("ana", "card"), ("ben", "loan"))], DESKS, "interval")


def test_numbers_have_their_distance_in_whatever_order_they_were_said() -> None:
    stars = [item(1, ("ana", "5"), ("ben", "1")), item(2, ("ana", "2"), ("ben", "2"))]
    stars += [item(3, ("ana", "1"), ("ben", "2")), item(4, ("ana", "5"), ("ben", "5"))]
    found = [labelling.agreement(stars, labels, "interval").pairs[0].kappa.value for labels in ((), "125")]
    assert found[0] == found[1]


def test_an_answer_without_a_place_in_the_guide_has_none_on_an_ordinal_scale() -> None:
    said = [item(1, ("ana", "good"), ("ben", "poor")), item(2, ("ana", "great"), ("ben", "good"))]
    with pytest.raises(DataError, match="`great` does not stand in the guide"):
        labelling.agreement(said, ("poor", "good"), "ordinal")


def fill(tmp_path: Path, text: str, name: str = "a.csv", **more: object) -> list[Item]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    queue = open_queue(tmp_path / "labels.sqlite", LABEL)
    spec = DataSpec.model_validate({"sources": name, **more})
    labelling.add(queue, tmp_path, spec)
    return queue.items()


def test_labelled_and_unlabelled_rows_are_added_and_labels_become_suggestions(tmp_path: Path) -> None:
    found = fill(tmp_path, "text,label\nmy card,card\nmy loan,\nmy card,card\n")
    told = [(one.payload["text"], one.suggestion and one.suggestion.value) for one in found]
    assert told == [("my card", "card"), ("my loan", None)]
    assert found[0].payload["source"] == "a.csv line 2"
    assert not any(one.answers for one in found)


@pytest.mark.parametrize(
    ("name", "text", "columns"),
    [
        ("a.txt.csv", "text\nmy card\n", {}),
        ("b.csv", "question,category\nmy card,\n", {"text": "question"}),
        ("c.jsonl", '{"text": "my card"}\n', {}),
        ("d.jsonl", '{"messages": [{"role": "user", "content": "my card"}]}\n', {}),
    ],
)
def test_whatever_can_be_looked_at_can_be_labelled(
    tmp_path: Path, name: str, text: str, columns: dict[str, str]
) -> None:
    if name == "d.jsonl":
        text = text.replace("]}", ', {"role": "assistant", "content": "card"}]}')
    assert [one.payload["text"] for one in fill(tmp_path, text, name, columns=columns)] == ["my card"]


def test_a_bad_line_is_told_with_its_place_and_nothing_is_added(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        fill(tmp_path, '{"text": "my card"}\n{"text": \n{"text": "x"}\n', "a.jsonl")
    assert [problem.where for problem in caught.value.problems] == ["a.jsonl line 2"]
    assert open_queue(tmp_path / "labels.sqlite", LABEL).items() == []


def test_what_is_masked_never_reaches_the_queue(tmp_path: Path) -> None:
    text = "text,label\nwrite to erika.m@example.com,\ncall erika.m@example.com,card\n"
    found = fill(tmp_path, text, transforms=["mask"])
    assert [one.payload["text"] for one in found] == ["call [EMAIL_1]", "write to [EMAIL_1]"]
    assert not any(b"erika" in path.read_bytes() for path in tmp_path.glob("labels.sqlite*"))


def added(folder: Path, *sources: object, **spec: object) -> tuple[labelling.Added, list[Item]]:
    queue = open_queue(folder / "labels.sqlite", LABEL)
    return labelling.add(
        queue, folder, DataSpec.model_validate({"sources": list(sources), **spec})
    ), queue.items()


def test_what_a_source_only_notes_is_told_and_stops_nothing(tmp_path: Path) -> None:
    rows = [f"{n // 2},{'agent' if n % 2 else 'ana'},message {n},2024-01-{n + 1:02}" for n in range(9)]
    (tmp_path / "t.csv").write_text("\n".join(["ticket_id,sender,text,created_at", *rows]))
    done, items = added(tmp_path, {"threads": {"path": "t.csv", "each": True}})
    assert done.new == len(items) == 4
    assert [one.fatal for one in done.problems] == [False]


def test_rows_far_behind_that_lack_the_column_of_the_answer_are_questions(tmp_path: Path) -> None:
    rows = [{"text": f"question {n}", **({"label": "card"} if n < 4096 else {})} for n in range(4100)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    _, items = added(tmp_path, "a.json")
    assert [one.suggestion is None for one in items] == [False] * 4096 + [True] * 4


def test_one_group_keeps_its_number_over_all_sources_when_it_is_masked(tmp_path: Path) -> None:
    for name, people in (("a.csv", "ana ben ana"), ("b.csv", "cleo ana cleo")):
        rows = [f"{name} asks {n},card,{who}@x.example" for n, who in enumerate(people.split())]
        (tmp_path / name).write_text("\n".join(["text,label,customer", *rows]))
    columns = {"text": "text", "label": "label", "group": "customer"}
    _, items = added(tmp_path, "a.csv", "b.csv", columns=columns, transforms=["mask"])
    groups = [one.payload["group"] for one in items]
    assert groups == ["group-1", "group-2", "group-1", "group-3", "group-1", "group-3"]


def test_the_share_of_the_items_that_several_people_label_is_drawn_by_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n" + "".join(f"question {n}\n" for n in range(400)))
    queue = open_queue(tmp_path / "labels.sqlite", LABEL)
    spec = DataSpec.model_validate({"sources": "a.csv"})
    labelling.add(queue, tmp_path, spec, overlap=0.25, annotators=3)
    wanted = [one.wanted for one in queue.items()]
    assert set(wanted) == {1, 3} and 70 <= wanted.count(3) <= 130
    with pytest.raises(DataError, match="overlap"):
        labelling.add(queue, tmp_path, spec, overlap=2.0)


ANSWERED = [
    item(1, ("ana", "card"), ("ben", "card")),
    item(2, ("ana", "loan")),
    item(3, ("ana", "card"), ("ben", "loan")),
    item(4, ("ana", "card"), ("ben", "loan"), ("cleo", "loan")),
    item(5),
]


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_an_export_is_read_as_it_is_and_disputes_are_left_out(tmp_path: Path, name: str) -> None:
    done = labelling.export(ANSWERED, tmp_path / name, LABEL)
    assert (done.examples, done.left_out) == (2, {"disputed": 2, "open": 1})
    found = data.look(name, folder=tmp_path)
    assert (found.shape, found.confidence, found.problems) == ("label", 1.0, ())
    assert [(one.prompt[0].content, one.answer) for one in found.first] == [
        ("question 1", "card"),
        ("question 2", "loan"),
    ]
    assert labelling.export(ANSWERED, tmp_path / name, LABEL, majority=True).examples == 3


def test_an_export_of_written_answers_and_of_conversations_is_read_as_it_is(tmp_path: Path) -> None:
    labelling.export([item(1, ("ana", "short"))], tmp_path / "out.jsonl", TEXT)
    assert data.look("out.jsonl", folder=tmp_path).shape == "completion"
    turns = [
        {"role": r, "content": c} for r, c in (("user", "hi"), ("assistant", "yes?"), ("user", "my card"))
    ]
    longer = item(2, ("ana", "card"))
    longer = longer.model_copy(update={"payload": {**longer.payload, "messages": turns}})
    labelling.export([item(1, ("ana", "loan")), longer], tmp_path / "turns.jsonl", LABEL)
    found = data.look("turns.jsonl", folder=tmp_path)
    assert found.shape == "messages"
    assert [(len(one.messages), one.answer) for one in found.first] == [(2, "loan"), (4, "card")]
    with pytest.raises(DataError, match="no room"):
        labelling.export([longer], tmp_path / "turns.csv", LABEL)


def test_an_export_without_answers_or_of_an_unknown_kind_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nobody"):
        labelling.export([item(1)], tmp_path / "out.jsonl", LABEL)
    with pytest.raises(DataError, match="no format"):
        labelling.export(ANSWERED, tmp_path / "out.xlsx", LABEL)
    assert list(tmp_path.iterdir()) == []


words = st.text(min_size=1, max_size=12).filter(str.strip)
answers = st.builds(
    Answer,
    annotator=words,
    kind=st.sampled_from(["given", "decided"]),
    value=words,
    note=st.just(""),
    suggested=st.none() | words,
    time=st.floats(0, 2e9),
) | st.builds(
    Answer, annotator=words, kind=st.sampled_from(["unsure", "skipped"]), note=words, time=st.floats(0, 2e9)
)
suggestions = st.builds(Suggestion, value=words, confidence=st.none() | st.floats(0, 1), by=words)
everything = st.builds(
    Item,
    id=words,
    payload=st.fixed_dictionaries({"text": words, "source": words}),
    wanted=st.integers(1, 4),
    suggestion=st.none() | suggestions,
    answers=st.lists(answers, max_size=3).map(tuple),
)


@settings(max_examples=20)
@given(st.lists(everything, max_size=4), st.sampled_from([LABEL, TEXT]))
def test_label_studio_gives_back_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, found: Sequence[Item], question: str
) -> None:
    path = tmp_path_factory.mktemp("studio") / "tasks.json"
    labelling.export(found, path, question, ["a & b"])
    assert labelling.read_tasks(path) == list(found)
    assert ('value="a &amp; b"' in path.with_suffix(".xml").read_text()) == (question == LABEL)


THEIRS = [
    {
        "id": 7,
        "data": {"text": "my card is lost"},
        "annotations": [
            {
                "id": 1,
                "completed_by": {"id": 3, "email": "ana@example.com", "first_name": "", "last_name": ""},
                "result": [
                    {
                        "id": "a1",
                        "from_name": "desk",
                        "to_name": "text",
                        "type": "choices",
                        "origin": "manual",
                        "value": {"choices": ["card"]},
                    }
                ],
                "was_cancelled": False,
                "ground_truth": False,
                "created_at": "2026-01-02T03:04:05.678901Z",
                "lead_time": 3.2,
            },
            {"id": 2, "completed_by": 4, "result": [], "was_cancelled": True, "created_at": None},
        ],
        "predictions": [
            {
                "model_version": "v1",
                "score": 0.7,
                "result": [
                    {
                        "from_name": "desk",
                        "to_name": "text",
                        "type": "choices",
                        "value": {"choices": ["loan"]},
                    }
                ],
            }
        ],
        "meta": {},
        "total_annotations": 2,
    }
]


def test_tasks_as_label_studio_exports_them_are_read(tmp_path: Path) -> None:
    (tmp_path / "theirs.json").write_text(json.dumps(THEIRS))
    (found,) = labelling.read_tasks(tmp_path / "theirs.json")
    assert found.payload == {"text": "my card is lost"}
    assert found.suggestion == Suggestion(value="loan", confidence=0.7, by="v1")
    assert [(one.annotator, one.kind, one.value) for one in found.answers] == [
        ("ana@example.com", "given", "card"),
        ("4", "skipped", None),
    ]
    assert found.answers[0].time == pytest.approx(1767323045.678901)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("{", "t.json"),
        ("{}", "t.json"),
        ('[{"data": {"text": "a"}}, {"data": {"number": 1}}, 3]', "t.json task 2"),
        ('[{"data": {"text": "a"}, "annotations": [{"result": [{"type": "choices"}]}]}]', "t.json task 1"),
    ],
)
def test_what_is_no_task_is_told_with_its_place(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(DataError) as caught:
        labelling.read_tasks(tmp_path / "t.json")
    assert caught.value.problems[0].where == where


def test_several_choices_in_one_annotation_are_refused(tmp_path: Path) -> None:
    made = tasks([item(1, ("ana", "card"))], LABEL)
    made[0]["annotations"][0]["result"][0]["value"]["choices"].append("loan")
    (tmp_path / "t.json").write_text(json.dumps(made))
    with pytest.raises(DataError, match="more than one"):
        labelling.read_tasks(tmp_path / "t.json")
