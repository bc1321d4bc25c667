"""Ask a candidate: its questions as requests, answered in batches, nothing asked twice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tunewright.core import digest
from tunewright.core.types import Candidate, CandidateKind, Checkpoint, Completion, Example, Message, Request
from tunewright.runtime import plugins
from tunewright.runtime.context import Context
from tunewright.runtime.engine import Engine, complete_all, essence
from tunewright.runtime.measure.journal import Journal, Kept, key_of
from tunewright.runtime.measure.labels import expected_of
from tunewright.runtime.plugins import Named

CHUNK = 256
"""Requests handed to an engine at once: many batches, so that it can group by length."""
TELL_EVERY = 16
"""Most answers between two words of progress."""
WARM_UP = 2
"""Questions asked before latency is taken."""


def requests(
    candidate: Candidate,
    examples: Sequence[Example],
    *,
    shots: Sequence[Example] = (),
    labels: Sequence[str] = (),
    max_tokens: int = 256,
) -> list[Request]:
    """One request an example: system turn, shots, question; the answer one of `labels` if given.

    A tuned model sees what it was trained on: an example's own system turn, else its instruction. A
    prompt-only candidate sees its instruction and, below it, what the example's own system turn says.
    """
    shown = _shown(shots)
    filled = _filled(candidate.instruction, labels)
    return [
        Request(
            messages=(*_system(candidate.kind, filled, example), *shown, *_question(example)),
            max_tokens=max_tokens,
            choices=tuple(labels),
        )
        for example in examples
    ]


def _filled(instruction: str | None, labels: Sequence[str]) -> str | None:
    """The instruction with the list of labels in its place."""
    return instruction and instruction.replace("{labels}", "\n".join(f"- {label}" for label in labels))


def _shown(shots: Sequence[Example]) -> tuple[Message, ...]:
    """Questions and answers before the question, the same each time, so that an engine can keep them."""
    turns: list[Message] = []
    for shot in shots:
        turns += [*_question(shot), Message(role="assistant", content=expected_of(shot))]
    return tuple(turns)


def _system(kind: CandidateKind, instruction: str | None, example: Example) -> tuple[Message, ...]:
    own = tuple(message for message in example.prompt if message.role == "system")
    if instruction is None or (own and kind == "tuned"):
        return own
    texts = [instruction, *(message.content for message in own)]
    return (Message(role="system", content="\n\n".join(texts)),)


def _question(example: Example) -> tuple[Message, ...]:
    if not example.messages and example.text is not None:
        return (Message(role="user", content=example.text),)
    return tuple(message for message in example.prompt if message.role != "system")


def question_text(example: Example) -> str:
    """The question as a person reads it: the last user turn, else the text."""
    turns = [message.content for message in example.prompt if message.role == "user"]
    return turns[-1] if turns else example.text or ""


@dataclass
class Respondent:
    """A checkpoint or an endpoint behind an engine that is opened only when there is something new to ask.

    Use it as a context manager: leaving closes the engine. Answers are kept in the workspace by
    checkpoint, engine and request; a killed evaluation goes on where it stopped.
    """

    context: Context
    engine: Named
    checkpoint: Checkpoint | None
    """None for an endpoint."""
    _opened: Engine | None = field(default=None, init=False)

    def ask(self, asked: Sequence[Request], message: str = "") -> list[Completion]:
        """Answers in the order of the questions; raises `Stopped` and `EngineError`."""
        keys = [key_of(request) for request in asked]
        journal = Journal(self.context.cache("answers", f"{self._name}.jsonl"))
        kept = journal.read()
        missing = {k: r for k, r in zip(keys, asked, strict=True) if k not in kept}
        append = journal.appender() if missing else None
        new, todo = list(missing), list(missing.values())
        told, began, spent = 0, time.monotonic(), [0, 0]
        every = max(1, min(TELL_EVERY, len(todo) // 20))
        for start in range(0, len(todo), CHUNK):
            if told == 0:
                self.context.progress(0, len(todo), message)

            def done(index: int, completion: Completion, start: int = start) -> None:
                nonlocal told
                key = new[start + index]
                if append is not None:
                    kept[key] = append(key, completion)
                told += 1
                spent[:] = spent[0] + completion.prompt_tokens, spent[1] + completion.tokens
                if told % every == 0 or told == len(todo):
                    left = (time.monotonic() - began) / told * (len(todo) - told)
                    self.context.progress(told, len(todo), message, seconds_left=left, tokens=tuple(spent))
                self.context.stop_if_asked()

            complete_all(self._engine(), todo[start : start + CHUNK], done=done)
        return [kept[key].completion for key in keys]

    def kept(self, asked: Sequence[Request]) -> list[Kept | None]:
        """What was answered so far, in the order of the questions; nothing is asked."""
        kept = Journal(self.context.cache("answers", f"{self._name}.jsonl")).read()
        return [kept.get(key_of(request)) for request in asked]

    def alone(self, asked: Sequence[Request]) -> list[Kept]:
        """Answers to questions asked one at a time after a warm-up, each with its seconds."""
        journal = Journal(self.context.cache("latency", f"{self._name}.jsonl"))
        kept = journal.read()
        missing = {k: r for r in asked if (k := key_of(r)) not in kept}
        if missing:
            complete_all(self._engine(), list(missing.values())[:WARM_UP])
            append = journal.appender()
            for key, request in missing.items():
                self.context.stop_if_asked()
                kept[key] = append(key, complete_all(self._engine(), [request])[0])
        return [kept[key_of(request)] for request in asked]

    def close(self) -> None:
        """Close the engine if it was opened."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _name(self) -> str:
        found = self.checkpoint
        return digest.of_value(
            {
                "engine": essence(self.engine).model_dump(mode="json"),
                "checkpoint": found and found.digest,
                "base": found and found.base.sha256,
                "template": found and found.template_sha256,
            }
        )

    def _engine(self) -> Engine:
        if self._opened is None:
            opened: Engine = plugins.make("engines", self.engine).open(self.checkpoint, self.context.settings)
            self._opened = opened
        return self._opened
