"""Asking: what a candidate sees, and that nothing is asked twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import (
    Candidate,
    Checkpoint,
    Completion,
    Event,
    Example,
    Message,
    ModelRef,
    Request,
)
from tunewright.runtime.context import Context
from tunewright.runtime.measure.answer import Respondent, requests
from tunewright.runtime.measure.journal import Journal, key_of
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace

LABELS = ("lost card", "top up")


def example(text: str, label: str = "top up", system: str | None = None) -> Example:
    turns = [Message(role="user", content=text), Message(role="assistant", content=label)]
    if system is not None:
        turns.insert(0, Message(role="system", content=system))
    return Example(id=text, messages=tuple(turns), label=label)


def candidate(instruction: str | None) -> Candidate:
    return Candidate(name="few-shot", kind="few-shot", instruction=instruction)


def turns(request: Request) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in request.messages]


def test_a_prompt_is_instruction_with_labels_then_shots_then_the_question() -> None:
    (request,) = requests(
        candidate("Choose:\n{labels}"),
        [example("my card is gone", "lost card")],
        shots=[example("add 5 pounds")],
        labels=LABELS,
    )
    assert turns(request) == [
        ("system", "Choose:\n- lost card\n- top up"),
        ("user", "add 5 pounds"),
        ("assistant", "top up"),
        ("user", "my card is gone"),
    ]
    assert request.choices == LABELS and request.temperature == 0


def test_the_right_answer_is_never_in_the_question() -> None:
    (request,) = requests(candidate(None), [example("q", "lost card")])
    assert turns(request) == [("user", "q")]


def test_braces_in_an_instruction_are_left_alone() -> None:
    (request,) = requests(candidate('{"a": {}} {labels}'), [example("q")], labels=("x",))
    assert turns(request)[0][1] == '{"a": {}} - x'


def test_a_tuned_model_sees_the_examples_own_system_turn_as_in_training() -> None:
    tuned = Candidate(name="tuned", kind="tuned", instruction="mine")
    with_own, without = requests(tuned, [example("q", system="own"), example("q")])
    assert turns(with_own)[0] == ("system", "own")
    assert turns(without)[0] == ("system", "mine")


def test_a_prompt_only_candidate_sees_its_instruction_and_what_the_example_says() -> None:
    asked = [example("q", system="own")]
    assert turns(requests(candidate("mine"), asked)[0])[0] == ("system", "mine\n\nown")
    assert turns(requests(candidate(None), asked)[0])[0] == ("system", "own")


@pytest.fixture
def respondent(tmp_path: Path) -> Respondent:
    heard: list[Event] = []
    context = Context(
        project=tmp_path,
        workspace=Workspace(tmp_path / ".tunewright"),
        settings=Settings(cache=tmp_path, threads=1, offline=True),
        step="evaluate",
        artifact_id="report-1",
        folder=tmp_path,
        emit=heard.append,
    )
    base = ModelRef(name="tiny", revision="1", sha256="s")
    return Respondent(context, Named(name="echo"), Checkpoint(id="c", path=tmp_path, digest="d", base=base))


def ask(text: str) -> Request:
    return Request(messages=(Message(role="user", content=text),))


def test_answers_come_in_the_order_of_the_questions_and_equal_questions_are_asked_once(
    respondent: Respondent,
) -> None:
    said = respondent.ask([ask("b"), ask("a"), ask("b")])
    assert [one.text for one in said] == ["b", "a", "b"]
    (journal,) = respondent.context.cache("answers", "x").parent.iterdir()
    assert journal.read_bytes().count(b"\n") == 2


def test_an_answer_that_is_kept_opens_no_engine(respondent: Respondent) -> None:
    respondent.ask([ask("a")])
    again = Respondent(respondent.context, Named(name="echo"), respondent.checkpoint)
    assert again.ask([ask("a")])[0].text == "a"
    assert again._opened is None


def test_another_checkpoint_has_a_journal_of_its_own(respondent: Respondent) -> None:
    other = respondent.checkpoint.model_copy(update={"digest": "other"})
    respondent.ask([ask("a")])
    Respondent(respondent.context, Named(name="echo"), other).ask([ask("a")])
    assert len(list(respondent.context.cache("answers", "x").parent.iterdir())) == 2


def test_latency_is_taken_once_and_says_when(respondent: Respondent) -> None:
    first = respondent.alone([ask("a"), ask("b"), ask("c")])
    assert respondent.alone([ask("a"), ask("b"), ask("c")]) == first
    assert all(one.observed and one.completion.seconds > 0 for one in first)


def test_more_than_a_chunk_is_answered_whole(respondent: Respondent) -> None:
    asked = [ask(str(number)) for number in range(600)]
    assert [one.text for one in respondent.ask(asked)] == [str(number) for number in range(600)]


@given(st.integers(1, 400))
def test_a_journal_cut_anywhere_keeps_its_whole_lines_and_can_be_written_on(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    journal = Journal(path)
    append = journal.appender()
    for text in ("one", "two\n", "drei ü"):
        append(key_of(ask(text)), Completion(text=text))
    whole = path.read_bytes()
    path.write_bytes(whole[: -min(cut, len(whole))])
    kept = journal.read()
    assert len(kept) <= 3 and len(kept) >= path.read_bytes().count(b"\n")
    journal.appender()(key_of(ask("four")), Completion(text="four"))
    after = journal.read()
    assert after[key_of(ask("four"))].completion.text == "four"
    assert set(kept) <= set(after)
