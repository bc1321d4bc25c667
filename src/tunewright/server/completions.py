"""`/v1/completions`: raw prompts, past the template and the instruction. Loads no web library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field

from tunewright.core.types import Delta, Request
from tunewright.deploy.respond import Specialist
from tunewright.runtime.chat import Chat
from tunewright.server import wire
from tunewright.server.errors import ApiError
from tunewright.server.wire import Answered, Asked, Head, Heard

TOKENS = 16
"""Of an answer, where the client names no limit, as OpenAI has it."""
Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, fail_fast=True)]
Several = Field(min_length=1, max_length=256, fail_fast=True)


class CompletionRequest(Asked):
    """The body."""

    prompt: str | Ids | Annotated[list[str], Several] | Annotated[list[Ids], Several]
    max_tokens: int | None = Field(default=None, ge=0)
    logprobs: int | None = Field(default=None, ge=0, le=20)
    echo: bool | None = None

    @property
    def characters(self) -> int:
        """Length of all prompts, that of token ids in tokens."""
        return sum(map(len, self.listed))

    def prompts(self, specialist: Specialist) -> list[tuple[int, ...]]:
        """Token ids of every prompt; raises `ApiError`."""
        self.refuse()
        if specialist.chat is None:
            what = "`prompt`: this engine takes conversations alone: use /v1/chat/completions"
            raise ApiError(400, what, param="prompt", code=wire.UNSUPPORTED)
        found = [self._ids(one, specialist.chat) for one in self.listed]
        known = specialist.chat.tokenizer.get_vocab_size()
        if any(not ids for ids in found) or any(token >= known for ids in found for token in ids):
            what = f"`prompt`: it is empty, or has a token id that is not below {known}"
            raise ApiError(400, what, param="prompt")
        return found

    def requests(self, specialist: Specialist, prompts: Sequence[tuple[int, ...]]) -> list[Request]:
        """One engine request a choice."""
        how = {
            "max_tokens": TOKENS,
            **dict(self.sampling()),
            "logprobs": self.logprobs is not None,
            "likeliest": self.logprobs or 0,
        }
        return [specialist.raw(prompt, seed=seed, **how) for prompt in prompts for seed in self.seeds]

    def shape(self, specialist: Specialist, head: Head, before: Sequence[Before]) -> TextShape:
        """How answers are told; `before` stands before each choice."""
        return TextShape(
            head=head,
            chat=specialist.chat if self.logprobs is not None else None,
            near=self.logprobs or 0,
            before=before,
            with_ids=bool(self.return_token_ids),
        )

    @property
    def listed(self) -> Sequence[str | list[int]]:
        """Every prompt as it was sent."""
        told: Any = self.prompt
        listed: Sequence[str | list[int]] = (
            [told] if isinstance(told, str) or isinstance(told[0], int) else told
        )
        return listed

    @staticmethod
    def _ids(one: str | Sequence[int], chat: Chat) -> tuple[int, ...]:
        return tuple(chat.encode(one) if isinstance(one, str) else one)


@dataclass(frozen=True)
class Before:
    """What a choice begins with: nothing, or the prompt where its echo was asked for."""

    text: str = ""
    read: tuple[Delta, ...] = ()
    """The prompt's tokens, where they are told; the first has no log-probability."""


@dataclass(frozen=True)
class TextShape:
    """How answers to raw prompts are told, whole and in chunks."""

    head: Head
    before: Sequence[Before]
    chat: Chat | None = None
    near: int = 0
    with_ids: bool = False

    def whole(self, answered: Answered) -> dict[str, Any]:
        """An answer of one choice or more."""
        return {
            **self.head,
            "object": "text_completion",
            "choices": [self._choice(index, one) for index, one in enumerate(answered.choices)],
            "usage": wire.usage(answered.prompt_tokens, answered.tokens),
        }

    def choice(self, index: int) -> TextChoice:
        """The chunks of one choice."""
        return TextChoice(self, index)

    def usage(self, prompt: int, answer: int) -> dict[str, Any]:
        """The last chunk, where it was asked for."""
        return {**self.head, "object": "text_completion", "choices": [], "usage": wire.usage(prompt, answer)}

    def told(self, deltas: Iterable[Delta], begins: int) -> dict[str, Any] | None:
        """What is told of the tokens of a text that begins at that character."""
        return _logprobs(deltas, self.chat, self.near, begins) if self.chat is not None else None

    def _choice(self, index: int, one: Heard) -> dict[str, Any]:
        before = self.before[index]
        return {
            "index": index,
            "text": before.text + one.whole.text,
            "logprobs": self.told((*before.read, *one.deltas), 0),
            "finish_reason": wire.finish(one.whole.finish_reason),
            **({"token_ids": list(one.whole.token_ids)} if self.with_ids else {}),
        }


@dataclass
class TextChoice:
    """The chunks of one choice."""

    shape: TextShape
    index: int
    written: int = field(default=0)
    """Characters so far."""
    opened: bool = False

    def take(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Chunks of a delta, the first with the prompt before it where that is echoed."""
        before = Before() if self.opened else self.shape.before[self.index]
        self.opened, text = True, before.text + delta.text
        told = self.shape.told((*before.read, delta), self.written)
        self.written += len(text)
        reason = wire.finish(delta.finish_reason) if delta.finish_reason else None
        if text or reason or (told and told["tokens"]):
            choice = {"index": self.index, "text": text, "logprobs": told, "finish_reason": reason}
            yield {**self.shape.head, "object": "text_completion", "choices": [choice]}


def first_token(prompt: Sequence[int]) -> Delta:
    """The first token of a prompt, which nothing stands before: it has no log-probability."""
    return Delta(token_ids=tuple(prompt[:1]))


def _logprobs(deltas: Iterable[Delta], chat: Chat, number: int, begins: int) -> dict[str, Any]:
    """Tokens, their log-probabilities and where they begin, in the form of OpenAI's older endpoint."""
    told: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    place = begins
    for delta in deltas:
        near = delta.likeliest or ((),) * len(delta.token_ids)
        values = delta.logprobs or (None,) * len(delta.token_ids)
        for token, value, others in zip(delta.token_ids, values, near, strict=True):
            text = wire.token_text(chat, token)
            told["tokens"].append(text)
            told["token_logprobs"].append(value)
            named = {wire.token_text(chat, one): logprob for one, logprob in reversed(others)}
            told["top_logprobs"].append(named if number and value is not None else None)
            told["text_offset"].append(place)
            place += len(text)
    return {**told}
