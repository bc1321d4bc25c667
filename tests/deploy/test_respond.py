"""The request path as a library, and conversations on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.conftest import LABELS, SPEC, Setting, edited, report
from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Message, ModelRef
from tunewright.deploy import as_checkpoint, run
from tunewright.deploy.chat import Conversation
from tunewright.deploy.respond import Specialist, open_specialist, specialist
from tunewright.runtime.chat import with_instruction
from tunewright.runtime.plugins import Named
from tunewright.testing.echo import Echo, EchoEngine

ASKED = Message(role="user", content="where is my card")
SYSTEM = Message(role="system", content="Shout.")


def desk(labels: tuple[str, ...] = (), *, constrained: bool = True) -> Specialist:
    base = ModelRef(name="tiny", revision="1", sha256="0")
    made = Checkpoint(id="c-1", path=Path(), digest="0", base=base, instruction="Be brief.", labels=labels)
    return specialist(EchoEngine(Echo()), made, constrained=constrained)


def test_the_frozen_instruction_is_added_once() -> None:
    once = with_instruction((ASKED,), "Be brief.")
    assert once == (Message(role="system", content="Be brief."), ASKED)
    assert with_instruction(once, "Be brief.") == once
    assert with_instruction((SYSTEM, ASKED), "Be brief.") == (SYSTEM, ASKED)
    assert with_instruction((ASKED,), None) == (ASKED,)


def test_a_classifier_is_constrained_unless_someone_opts_out() -> None:
    assert desk(LABELS).request([ASKED]).choices == LABELS
    assert desk(LABELS).request([ASKED], constrained=False).choices == ()
    assert desk(LABELS, constrained=False).request([ASKED]).choices == ()
    assert desk(LABELS, constrained=False).request([ASKED], constrained=True).choices == LABELS
    assert desk().request([ASKED]).choices == ()


def test_pieces_are_heard_as_they_come_and_turns_are_remembered() -> None:
    conversation, heard = Conversation(desk()), list[str]()
    first = conversation.ask("good day to you", heard.append)
    assert heard == ["good", " day", " to", " you"]
    assert first.text == "good day to you"
    second = conversation.ask("again", heard.append)
    assert second.prompt_tokens > first.prompt_tokens, "the earlier turns are sent along"
    assert [turn.role for turn in conversation.turns] == ["user", "assistant"] * 2
    conversation.forget()
    assert conversation.turns == []


def test_a_router_takes_each_question_alone() -> None:
    conversation = Conversation(desk(LABELS))
    answers = [conversation.ask(text, lambda _: None) for text in ("my card", "my card")]
    assert [answer.text for answer in answers] == ["card lost"] * 2
    assert answers[0].prompt_tokens == answers[1].prompt_tokens


def test_an_answer_that_is_cut_short_is_not_remembered() -> None:
    conversation = Conversation(desk())

    def interrupt(piece: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        conversation.ask("good day", interrupt)
    assert conversation.turns == []


def test_another_template_is_not_served(setting: Setting, tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        (folder / "chat_template.jinja").write_text("{{ messages }}")

    changed = edited(setting.checkpoint, tmp_path / "changed", change)
    with pytest.raises(DeployError, match="template was changed"):
        open_specialist(changed, setting.context.settings, engine=Named(name="echo"))


def test_a_release_without_its_model_is_not_opened(setting: Setting) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    with pytest.raises(DeployError, match="lost what was packed"):
        as_checkpoint(release.model_copy(update={"path": setting.context.project}))


def test_a_candidate_says_why_it_is_none_more(setting: Setting) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report("needs more examples"), setting.dataset)
    opened = open_specialist(release, setting.context.settings, engine=Named(name="echo"), name="desk")
    assert (opened.name, opened.id, opened.allowed) == ("desk", "release-1", False)
    assert "needs more examples" in opened.reasons[0]
