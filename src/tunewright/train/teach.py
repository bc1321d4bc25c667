"""Teach: what another model says, asked before a run that learns it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import Checkpoint, Example, Message, Problem, Request
from tunewright.runtime import models, plugins
from tunewright.runtime.chat import Chat, with_instruction
from tunewright.runtime.context import Context
from tunewright.runtime.examples import REPLAY
from tunewright.runtime.measure.answer import Respondent
from tunewright.train.ports import Method, TaughtMethod


def check_teacher(name: str, method: Method) -> Iterator[Problem]:
    """What is wrong with the teacher of the method of that name, found without asking anybody."""
    if not isinstance(method, TaughtMethod):
        return
    where = f"train.method.{name}"
    yield from plugins.check("engines", method.teacher, where=f"{where}.teacher")
    local = method.teacher.name == "transformers"
    if not method.model and (local or method.learn == "probabilities"):
        yield Problem(
            where=f"{where}.model",
            what="no teacher is named",
            fix="name a larger model or its folder, or give an endpoint as `teacher` and learn its `answers`",
        )


def teacher_of(context: Context, method: TaughtMethod) -> Checkpoint | None:
    """The local teacher, or None where an endpoint teaches; raises `ModelError`."""
    if not method.model:
        return None
    return models.resolve(models.of_project(method.model, context.project), context.settings, context.emit)


def unlike(chat: Chat, teacher: Checkpoint) -> Iterator[Problem]:
    """The problem of a teacher whose tokens are not the student's."""
    if Chat.load(teacher.path).tokenizer.get_vocab() != chat.tokenizer.get_vocab():
        yield Problem(
            where="train.method.distill.model",
            what=f"`{teacher.base.name}` cuts text into other tokens: their probabilities say nothing here",
            fix="set `learn: answers`, or take a teacher of the same family",
        )


def lessons(
    context: Context, method: TaughtMethod, examples: Sequence[Example], instruction: str | None
) -> list[Example]:
    """The examples with the teacher's answers; those that it did not end are left out, and counted."""
    asked = [
        Request(
            messages=with_instruction(one.prompt, None if REPLAY in one.tags else instruction),
            max_tokens=method.longest,
        )
        for one in examples
    ]
    with Respondent(context, method.teacher, teacher_of(context, method)) as respondent:
        said = respondent.ask(asked, "asking the teacher")
    ended = [
        one.model_copy(
            update={"messages": (*one.prompt, Message(role="assistant", content=answer.text.strip()))}
        )
        for one, answer in zip(examples, said, strict=True)
        if answer.finish_reason == "stop" and answer.text.strip()
    ]
    left = len(examples) - len(ended)
    if left:
        context.tell("note", f"{left} answers of the teacher were empty or cut: they are not learned")
    return ended
