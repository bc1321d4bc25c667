"""Synthetic examples from order to file: made, sifted, kept, and never made twice."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from tests.data.synthetic.conftest import (
    LABELS,
    QUESTIONS,
    Order,
    asked_for,
    chat,
    desk,
    example,
    rows,
    teacher,
)
from tests.runtime.engines.openai.conftest import running

from tunewright.core import digest
from tunewright.core.errors import Busy, DataError, EngineError, SpecError, Stopped
from tunewright.core.types import Event
from tunewright.data import DataSpec, SynthesisSpec, look, synthesise
from tunewright.data.read import Reading
from tunewright.data.synthetic import prompt
from tunewright.data.synthetic.file import Sheet
from tunewright.runtime.context import Context

GUIDE = (
    "A refund is paid within 14 days of the return. The parcel must be sent from the country of purchase.\n\n"
    "A gift card can not be returned, whatever its value is and wherever it was bought by the customer."
)


def guide(project: Path) -> str:
    (project / "guide.jsonl").write_text(json.dumps({"text": GUIDE}) + "\n")
    return "guide.jsonl"


def pair(question: str, answer: str) -> dict[str, object]:
    """A teacher that makes this pair of the whole guide."""
    return teacher({asked_for("pairs", passage=GUIDE): f"Question: {question}\nAnswer: {answer}"})


def reworded(**said: str) -> dict[str, object]:
    """A teacher that says these words anew for the first questions of the labels."""
    return teacher(
        {asked_for("paraphrase", question=QUESTIONS[label][0]): new for label, new in said.items()}
    )


def test_a_passage_becomes_a_pair_that_names_its_passage_and_its_maker(project: Path, order: Order) -> None:
    said = pair("When is a refund paid?", "Within 14 days of the return.")
    made = order("pairs", chat(), teacher=said, source=guide(project), seed=4)
    assert (made.asked, made.made, made.refused) == (1, 1, {})
    (row,) = rows(project)
    assert (row["prompt"], row["completion"]) == ("When is a refund paid?", "Within 14 days of the return.")
    assert row["tags"] == ["synthetic", "teacher:echo"]
    kept = row["provenance"]
    assert kept["source"] == "guide.jsonl line 1" and kept["kind"] == "pairs" and kept["seed"] == 4
    assert kept["prompt"] == asked_for("pairs", passage=GUIDE)
    assert kept["template_sha256"] == digest.of_text(prompt.built_in("pairs"))
    assert kept["engine"] == said and kept["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("question", "answer", "name"),
    [
        ("When is it paid?", "Within 30 days.", "grounded"),
        ("What does the passage say?", "A refund is paid.", "alone"),
        ("When is it paid?", "As an AI, I cannot know.", "refusal"),
        ("How long does a refund take?", "Within 14 days.", "near train"),
        ("please tell me the opening hours of a branch", "By and by.", "near test"),
    ],
)
def test_what_must_not_be_learned_is_refused_by_name(
    project: Path, order: Order, question: str, answer: str, name: str
) -> None:
    ground = chat(evaluated=desk().evaluated)
    made = order("pairs", ground, teacher=pair(question, answer), source=guide(project))
    assert (made.made, made.refused) == (0, {name: 1})
    assert made.samples[0].question == question and made.samples[0].reason
    assert not rows(project)


def test_an_answer_in_another_form_or_cut_off_is_refused(project: Path, order: Order) -> None:
    free = teacher({asked_for("pairs", passage=GUIDE): "Here you are!"})
    made = order("pairs", chat(), teacher=free, source=guide(project))
    assert made.refused == {"unreadable": 1}
    long = pair("When is it paid?", "Within 14 days of the return.")
    assert order("pairs", chat(), teacher=long, source="guide.jsonl", max_tokens=8).refused == {"length": 1}


def test_a_paraphrase_keeps_label_and_parent(project: Path, order: Order) -> None:
    said = reworded(card="has the piece of plastic been sent out", loan="what is the yearly interest")
    made = order("paraphrase", desk(), teacher=said, number=2)
    assert made.made == 2
    assert [(row["text"], row["label"]) for row in rows(project)] == [
        ("has the piece of plastic been sent out", "card"),
        ("what is the yearly interest", "loan"),
    ]
    assert rows(project)[0]["provenance"]["source"] == f"example id {QUESTIONS['card'][0]}"


def test_a_paraphrase_that_says_the_same_or_comes_near_the_test_is_refused(
    project: Path, order: Order
) -> None:
    said = reworded(card="Where is my NEW card?", loan="please tell me the opening hours of the branch!")
    made = order("paraphrase", desk(), teacher=said, number=2)
    assert made.refused == {"near train": 1, "near test": 1}


def test_unanswered_questions_get_one_of_the_labels(project: Path, order: Order) -> None:
    asked = ("my card is gone", "is borrowing dear")
    (project / "asked.jsonl").write_text("".join(f'{{"question": "{text}"}}\n' for text in asked))
    listed = "Choose one of these:\n- card\n- loan"
    texts = [asked_for("answers", task="Route it.", labels=listed, question=text) for text in asked]
    made = order(
        "answers", desk(), teacher=teacher(dict(zip(texts, LABELS, strict=True))), source="asked.jsonl"
    )
    assert made.made == 2 and [row["label"] for row in rows(project)] == ["card", "loan"] == list(LABELS)


def test_a_negative_is_a_pair_of_the_right_answer_and_a_wrong_one(project: Path, order: Order) -> None:
    made = order("negatives", desk(), teacher="echo", number=2)
    assert made.made == 2
    assert [(row["chosen"], row["rejected"]) for row in rows(project)] == [("card", "loan"), ("loan", "card")]
    read = look("data/synthetic.jsonl", folder=project)
    assert (read.shape, read.first[0].rejected, read.first[0].answer) == ("preference", "loan", "card")
    assert "synthetic" in read.first[0].tags


def test_a_negative_may_be_an_answer_marked_as_undesirable(project: Path, order: Order) -> None:
    question, right = "how long does a refund take", "A refund takes 5 days."
    said = teacher({asked_for("negatives", question=question, answer=right, task="Help."): "Up to a year."})
    order("negatives", chat(), teacher=said, undesirable=True)
    (found,) = look("data/synthetic.jsonl", folder=project).first
    assert (found.answer, found.desirable) == ("Up to a year.", False)


def test_the_right_answer_is_no_negative(project: Path, order: Order) -> None:
    question, right = "how long does a refund take", "A refund takes 5 days."
    said = teacher({asked_for("negatives", question=question, answer=right, task="Help."): right.upper()})
    assert order("negatives", chat(), teacher=said).refused == {"right": 1}


def test_noise_needs_no_teacher_and_is_the_same_for_the_same_seed(project: Path, order: Order) -> None:
    first = order("noise", desk(), each=3, output="a.jsonl")
    order("noise", desk(), each=3, output="b.jsonl")
    order("noise", desk(), each=3, output="c.jsonl", seed=1)
    a, b, c = ([row["text"] for row in rows(project, f"{name}.jsonl")] for name in "abc")
    assert a == b != c and first.made == len(set(a)) > 12
    assert not {text for texts in QUESTIONS.values() for text in texts} & set(a)


def test_the_same_order_asks_and_adds_nothing_twice(project: Path, order: Order) -> None:
    with running() as endpoint:
        endpoint.answer = lambda body: "Question: When is it paid?\nAnswer: Within 14 days."
        engine = {"openai": {"url": endpoint.url, "model": "parrot"}}
        first = order("pairs", chat(), teacher=engine, source=guide(project), prices=(1, 2))
        again = order(
            "pairs", chat(), teacher={"openai": {**engine["openai"], "parallel": 1}}, source="guide.jsonl"
        )
        assert (first.made, again.made, again.there, len(endpoint.asked)) == (1, 0, 1, 1)
        assert first.cost == pytest.approx((first.prompt_tokens + 2 * first.answer_tokens) / 1e6)
        assert first.prompt_tokens > 20 and first.answer_tokens == 9
    assert len(rows(project)) == 1
    assert rows(project)[0]["tags"] == ["synthetic", "teacher:parrot"]


def test_what_a_person_changed_stays_and_what_was_taken_out_does_not_come_back(
    project: Path, order: Order
) -> None:
    order("noise", desk(), number=4)
    path = project / "data" / "synthetic.jsonl"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0].replace('"label": "card"', '"label": "loan"'), *lines[2:]]))
    made = order("noise", desk(), number=6)
    assert (made.there, made.made) == (4, 2)
    texts = [row["text"] for row in rows(project)]
    assert json.loads(lines[1])["text"] not in texts and len(texts) == 5
    assert rows(project)[0]["label"] == "loan"
    path.unlink()
    assert order("noise", desk(), number=6).made == 6


def test_a_teacher_that_dies_midway_leaves_what_was_made(project: Path, order: Order) -> None:
    with running() as endpoint:
        endpoint.answer = lambda body: "has the plastic been " + str(len(body["messages"][0]["content"]))
        engine = {"openai": {"url": endpoint.url, "model": "parrot", "parallel": 1}}
        endpoint.failures = [None, None, (400, {}, b'{"error": "no more"}')]
        told: list[Event] = []
        with pytest.raises(EngineError, match="no more"):
            order("paraphrase", desk(), teacher=engine, told=told)
        assert len(rows(project)) == 2 and any("2 new examples" in event.message for event in told)
        order("paraphrase", desk(), teacher=engine)
        assert len(endpoint.asked) == 3 + 4


def test_it_can_be_stopped_and_goes_on(project: Path, context: Context) -> None:
    spec = DataSpec(sources=("train.csv",))
    said = {asked_for("paraphrase", question=text): f"{text[::-1]} {text}" for text in QUESTIONS["card"]}
    asked = SynthesisSpec.parse({"kind": "paraphrase", "teacher": teacher(said, delay=0.01), "number": 6})
    stops = iter([False, False, True])
    stopping = dataclasses.replace(context, should_stop=lambda: next(stops, True))
    with pytest.raises(Stopped):
        synthesise(stopping, asked, spec, desk(), None)
    answered = next((project / ".tunewright" / "cache" / "answers").iterdir()).read_text().count("\n")
    assert 0 < answered < 6
    assert synthesise(context, asked, spec, desk(), None).asked == 6


def test_a_judge_keeps_the_good_and_the_rating_with_them(project: Path, order: Order) -> None:
    said = reworded(card="has the piece of plastic been sent out", loan="what is the yearly interest")
    words = {"card": "has the piece of plastic been sent out", "loan": "what is the yearly interest"}
    rated = {
        asked_for("judge", task="Route it.", question=words[label], answer=label): grade
        for label, grade in (("card", "5"), ("loan", "2"))
    }
    made = order("paraphrase", desk(), teacher=said, number=2, judge=teacher(rated))
    assert made.refused == {"judge": 1}
    assert [(row["label"], row["provenance"]["scores"]["judge"]) for row in rows(project)] == [("card", 5.0)]


def test_columns_are_called_as_the_spec_calls_them(project: Path, order: Order) -> None:
    data = {"columns": {"text": "ticket", "label": "desk", "group": "customer"}}
    ground = desk(train=(example(QUESTIONS["card"][0], "card", label="card", group="anna"),))
    order("noise", ground, data=data)
    (row,) = rows(project)
    assert (row["desk"], row["customer"]) == ("card", "anna") and "ticket" in row


def test_texts_are_masked_before_they_are_sent(project: Path, order: Order) -> None:
    text = GUIDE + "\n\nAsk anna.mueller@example.com, she knows everything about it and answers every day."
    (project / "guide.jsonl").write_text(json.dumps({"text": text}) + "\n")
    with running() as endpoint:
        engine = {"openai": {"url": endpoint.url, "model": "parrot"}}
        order("pairs", chat(), teacher=engine, source="guide.jsonl", data={"transforms": ["mask"]})
        assert "anna.mueller" not in json.dumps(endpoint.asked) and "refund" in json.dumps(endpoint.asked)


def test_a_template_of_your_own_is_used_and_checked(project: Path, order: Order) -> None:
    own = project / "own.md"
    own.write_text("Say it anew: {question}")
    said = teacher({f"Say it anew: {QUESTIONS['card'][0]}": "is there a delivery of the plastic"})
    order("paraphrase", desk(), teacher=said, number=1, prompt=str(own))
    assert rows(project)[0]["provenance"]["template_sha256"] == digest.of_text(own.read_text())
    own.write_text("Say it anew: {qestion}")
    with pytest.raises(DataError) as caught:
        order("paraphrase", desk(), teacher=said, prompt=str(own))
    assert caught.value.problems[0].fix == "did you mean `question`?"
    assert len(caught.value.problems) == 2


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_written(project: Path, order: Order) -> None:
    wrong = {"teacher": {"openai": {"model": "m"}}, "judge": "ecco", "output": "out.csv"}
    with pytest.raises(DataError) as caught:
        order("pairs", desk(), **wrong)
    said = [problem.what for problem in caught.value.problems]
    for part in ("needs a url", "unknown engine", "needs a source", "no labels", "JSON lines"):
        assert any(part in one for one in said), part
    assert list(project.iterdir()) == []
    with pytest.raises(SpecError) as caught:
        SynthesisSpec.parse({"kind": "pears", "number": 0, "numbr": 1})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("kind", "values", "data", "part"),
    [
        ("noise", {"output": "test.jsonl"}, {"test": "test.jsonl"}, "nothing synthetic stands in test"),
        ("negatives", {"teacher": "echo"}, {"format": "label"}, "could not be read"),
        ("paraphrase", {"teacher": "transformers"}, {}, "none was given"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(
    project: Path, order: Order, kind: str, values: dict[str, Any], data: dict[str, Any], part: str
) -> None:
    with pytest.raises(DataError, match=part):
        order(kind, desk(), data=data, **values)


def test_a_file_of_another_shape_is_not_added_to(project: Path, order: Order) -> None:
    order("noise", desk(), number=1)
    with running() as endpoint, pytest.raises(DataError, match="another shape"):
        engine = {"openai": {"url": endpoint.url, "model": "parrot"}}
        order("negatives", desk(), teacher=engine, number=1)
    assert not endpoint.asked
    assert len(rows(project)) == 1


def test_what_leaves_the_machine_unmasked_is_told(project: Path, order: Order) -> None:
    told: list[Event] = []
    engine = {"openai": {"url": "http://192.0.2.1/v1", "model": "m", "timeout": 0.01, "retries": 0}}
    with pytest.raises(EngineError):
        order("paraphrase", desk(), teacher=engine, told=told, number=1)
    assert any(event.kind == "warning" and "personal data" in event.message for event in told)


def test_the_data_stage_reads_the_tags_and_where_they_come_from_stays_in_the_file(
    project: Path, order: Order, context: Context
) -> None:
    lines = [f"{text},{label}" for label in LABELS for text in QUESTIONS[label]]
    (project / "train.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    order("noise", desk(), each=2)
    spec = DataSpec(sources=("train.csv", "data/synthetic.jsonl"))
    found = Reading(project, spec, labelled=True).examples(spec.sources)
    assert [one.tags for one in found[:6]] == [()] * 6
    assert {one.tags for one in found[6:]} == {("synthetic", "teacher:noise")} and len(found) > 12
    assert all(one.label in LABELS for one in found)


def test_columns_that_could_not_be_read_back_are_told_before_anybody_is_asked(
    project: Path, order: Order
) -> None:
    with running() as endpoint, pytest.raises(DataError, match="would not read these examples"):
        engine = {"openai": {"url": endpoint.url, "model": "parrot"}}
        order("paraphrase", desk(), teacher=engine, data={"format": "sharegpt"})
    assert not endpoint.asked and not rows(project)


@pytest.mark.parametrize(
    "said", ["A user asks: where is it?", "Here is a new question about it", "I would say:"]
)
def test_a_teacher_that_speaks_of_the_task_has_not_done_it(project: Path, order: Order, said: str) -> None:
    made = order("paraphrase", desk(), teacher=reworded(card=said), number=1)
    assert made.refused == {"task": 1} and not rows(project)


@pytest.mark.parametrize("content", [b"no json\n", b"[1]\n", b"\xff\xfe\n"])
def test_a_file_that_is_not_what_it_should_be_is_left_alone(
    project: Path, order: Order, content: bytes
) -> None:
    path = project / "mine.jsonl"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        order("noise", desk(), output="mine.jsonl")
    assert "mine.jsonl" in caught.value.problems[0].where and path.read_bytes() == content


def test_two_commands_never_add_to_one_file_at_the_same_time(
    context: Context, project: Path, order: Order
) -> None:
    sheet = Sheet(project / "data" / "synthetic.jsonl", context.workspace)
    with sheet.held(), pytest.raises(Busy, match="another command is adding"):
        order("noise", desk(), number=3)
    assert not sheet.path.exists()
    assert order("noise", desk(), number=3).made == 3
