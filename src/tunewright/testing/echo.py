"""The shipped fake engine: answers at once, always the same, and loads nothing."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tunewright.core.errors import Unanswerable
from tunewright.core.types import Checkpoint, Delta, FinishReason, Request
from tunewright.runtime.settings import Settings

_WORDS = re.compile(r"\s*\S+\s*$|\s*\S+|\s+$")


@dataclass(frozen=True, kw_only=True)
class Echo:
    """Answers with the last question, or with the choice that shares most words with it."""

    answers: dict[str, str] = field(default_factory=dict)
    """Questions with the answer to give instead."""
    delay: float = 0.0
    """Seconds to wait before each word, for tests that stop in the middle of an answer."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> EchoEngine:  # noqa: ARG002 - the port
        """Ready at once; the checkpoint is not looked at."""
        return EchoEngine(self)


@dataclass(frozen=True)
class EchoEngine:
    """An engine whose tokens are words."""

    options: Echo

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """The answer word by word."""
        if request.json_schema is not None:
            raise Unanswerable(
                "the fake engine follows no schema", where="response_format", fix="take a real engine"
            )
        words, finish = _cut(self._answer(request), request)
        asked = len(request.prompt) + sum(len(words_of(message.content)) for message in request.messages)
        for word in words:
            await asyncio.sleep(self.options.delay)
            token = token_of(word)
            yield Delta(text=word, token_ids=(token,), logprobs=(_logprob(token),), prompt_tokens=asked)
        yield Delta(finish_reason=finish, prompt_tokens=asked)

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """A number from each token id, the same every time, as if no other were likelier."""
        return [
            Delta(
                token_ids=tuple(prompt[1:]),
                logprobs=tuple(map(_logprob, prompt[1:])),
                likeliest=tuple(((token, _logprob(token)),) for token in prompt[1:]) if likeliest else (),
            )
            for prompt in prompts
        ]

    def close(self) -> None:
        """Nothing to give back."""

    def _answer(self, request: Request) -> str:
        asked = [message.content for message in request.messages if message.role == "user"]
        question = asked[-1] if asked else ""
        answer = self.options.answers.get(question, question)
        return nearest(answer, request.choices) if request.choices else answer


def nearest(text: str, choices: Sequence[str]) -> str:
    """The choice that shares most words with the text; the first of equals."""
    if text in choices:
        return text
    words = _bare(text)
    return max(choices, key=lambda choice: (len(words & _bare(choice)), -choices.index(choice)))


def words_of(text: str) -> list[str]:
    """The text in words, each with the space around it; joined they are the text."""
    return _WORDS.findall(text)


def token_of(word: str) -> int:
    """A token id that a word has in every process: its CRC-32 in 31 bits."""
    return zlib.crc32(word.encode()) & 0x7FFFFFFF


def _bare(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.casefold()))


def _cut(answer: str, request: Request) -> tuple[list[str], FinishReason]:
    places = [place for stop in request.stop if stop and (place := answer.find(stop)) >= 0]
    words = words_of(answer[: min(places)] if places else answer)
    if len(words) > request.max_tokens:
        return words[: request.max_tokens], "length"
    return words, "stop"


def _logprob(token: int) -> float:
    return -(1 + token % 7) / 8
