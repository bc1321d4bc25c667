"""`/v1/chat/completions`: what may be asked, and the shapes of answers. Loads no web library."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tunewright.core.types import Delta, Message, Request, Role
from tunewright.deploy.respond import Specialist
from tunewright.runtime.chat import Chat
from tunewright.server import tools, wire
from tunewright.server.errors import ApiError
from tunewright.server.wire import Answered, Asked, Head, Heard

TURNS = 256
"""Most turns of one conversation: each is rendered with all before it."""
OBJECT = {"type": "object"}
"""The schema of any JSON object."""


class TextPart(BaseModel):
    """A part of a turn; only text is read."""

    type: Literal["text"]
    text: str


class Called(BaseModel):
    """What was called, and with what."""

    name: str
    arguments: str = "{}"


class ToolCall(BaseModel):
    """A call of an earlier turn."""

    id: str
    type: Literal["function"] = "function"
    function: Called


class Turn(BaseModel):
    """One message of a request."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart] | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    def message(self) -> Message:
        """The turn as the engine knows it; raises `ApiError` for one that says nothing."""
        if self.content is None and not self.tool_calls:
            raise ApiError(400, "`messages`: a turn has neither content nor tool calls", param="messages")
        role: Role = "system" if self.role == "developer" else self.role
        parts = self.content or ""
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        calls = tuple(tools.as_trained(call.model_dump()) for call in self.tool_calls or ())
        return Message(role=role, content=text, tool_calls=calls, tool_call_id=self.tool_call_id)


class Function(BaseModel):
    """A function that may be called."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(min_length=1)


class Tool(BaseModel):
    """A tool; there are only functions."""

    type: Literal["function"]
    function: Function


class JsonSchema(BaseModel):
    """A schema with its name."""

    model_config = ConfigDict(extra="allow")

    name: str = "answer"
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """What the answer is: words, any JSON object, or JSON by a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @property
    def wanted(self) -> dict[str, Any] | None:
        """The schema; None for words; raises `ApiError` where it is missing."""
        if self.type == "json_schema" and self.json_schema is None:
            raise ApiError(400, "`response_format`: there is no `json_schema`", param="response_format")
        if self.type == "json_schema" and self.json_schema is not None:
            found = self.json_schema.schema_
            if len(json.dumps(found)) > wire.LARGEST:
                what = f"`response_format`: the schema has more than {wire.LARGEST} characters"
                raise ApiError(400, what, param="response_format", code="limit_exceeded")
            return found
        return OBJECT if self.type == "json_object" else None


class ChatRequest(Asked):
    """The body."""

    messages: list[Turn] = Field(min_length=1, max_length=TURNS, fail_fast=True)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    tools: Annotated[list[Tool], Field(max_length=128, fail_fast=True)] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, Any] | None = None
    constrained: bool | None = None
    """Ours: false lets a classifier answer with something that is no label."""

    @property
    def limit(self) -> int | None:
        """Most tokens of an answer, where the client names them."""
        return self.max_completion_tokens or self.max_tokens

    @cached_property
    def turns(self) -> list[Message]:
        """The conversation as the engine knows it; raises `ApiError`."""
        return [turn.message() for turn in self.messages]

    @property
    def characters(self) -> int:
        """Length of the conversation, of calls in it, and of the functions that are shown."""
        turns = self.turns
        calls = sum(len(str(turn.tool_calls)) for turn in turns if turn.tool_calls)
        return sum(len(turn.content) for turn in turns) + calls + len(str(self.tools or ""))

    def requests(self, specialist: Specialist) -> list[Request]:
        """One engine request a choice; raises `ApiError` for what cannot be done."""
        self.refuse()
        if self.top_logprobs and not self.logprobs:
            raise ApiError(400, "`top_logprobs` needs `logprobs: true`", param="top_logprobs")
        if self.logprobs:
            wire.tokens_told(specialist)
        how = {
            "constrained": self.constrained,
            "json_schema": self.response_format.wanted if self.response_format else None,
            "tools": self._shown(specialist),
            "logprobs": bool(self.logprobs),
            "likeliest": self.top_logprobs or 0,
            **dict(self.sampling()),
        }
        return [specialist.request(self.turns, seed=seed, **how) for seed in self.seeds]

    def shape(self, specialist: Specialist, head: Head) -> ChatShape:
        """How answers are told."""
        return ChatShape(
            head=head,
            chat=wire.tokens_told(specialist) if self.logprobs else None,
            functions=frozenset(tool.function.name for tool in self._offered),
            with_ids=bool(self.return_token_ids),
        )

    @property
    def _offered(self) -> Sequence[Tool]:
        return () if self.tool_choice == "none" else self.tools or ()

    def _shown(self, specialist: Specialist) -> tuple[dict[str, Any], ...]:
        if self.tool_choice not in (None, "auto", "none"):
            what = "`tool_choice`: whether a function is called is left to the model: `auto` or `none`"
            raise ApiError(400, what, param="tool_choice", code=wire.UNSUPPORTED)
        if not self._offered:
            return ()
        if specialist.chat is None or not specialist.chat.shows_tools:
            what = "`tools`: the template that was frozen at training knows of no tools"
            raise ApiError(400, what, param="tools", code=wire.UNSUPPORTED)
        return tuple(tool.model_dump() for tool in self._offered)


@dataclass(frozen=True)
class ChatShape:
    """How answers of a conversation are told, whole and in chunks."""

    head: Head
    chat: Chat | None = None
    """Where tokens are told."""
    functions: frozenset[str] = frozenset()
    with_ids: bool = False

    def whole(self, answered: Answered) -> dict[str, Any]:
        """An answer of one choice or more."""
        return {
            **self.head,
            "object": "chat.completion",
            "choices": [self._choice(index, one) for index, one in enumerate(answered.choices)],
            "usage": wire.usage(answered.prompt_tokens, answered.tokens),
        }

    def choice(self, index: int) -> ChatChoice:
        """The chunks of one choice."""
        return ChatChoice(self, index)

    def usage(self, prompt: int, answer: int) -> dict[str, Any]:
        """The last chunk, where it was asked for."""
        return {
            **self.head,
            "object": "chat.completion.chunk",
            "choices": [],
            "usage": wire.usage(prompt, answer),
        }

    def _choice(self, index: int, one: Heard) -> dict[str, Any]:
        said = tools.said(one.whole.text, self.functions) if self.functions else tools.Said(one.whole.text)
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
        if said.calls:
            message |= {"content": said.text or None, "tool_calls": list(said.calls)}
        return {
            "index": index,
            "message": message,
            "logprobs": logprobs(one.deltas, self.chat) if self.chat else None,
            "finish_reason": "tool_calls" if said.calls else wire.finish(one.whole.finish_reason),
            **({"token_ids": list(one.whole.token_ids)} if self.with_ids else {}),
        }


@dataclass
class ChatChoice:
    """The chunks of one choice; what may be a call is held back until it is whole."""

    shape: ChatShape
    index: int
    opened: bool = False
    held: str = field(default="", repr=False)
    released: bool = False
    """Whether words of it were told already."""

    def take(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Chunks of what is certain after a delta."""
        if not self.opened:
            self.opened = True
            yield self._chunk({"role": "assistant", "content": ""})
        told = logprobs([delta], self.shape.chat) if self.shape.chat and delta.logprobs else None
        text = self._certain(delta)
        if text or told:
            yield self._chunk({"content": text}, told=told)
        if delta.finish_reason is None:
            return
        said = tools.said(self.held, self.shape.functions, alone=not self.released)
        if said.text:
            yield self._chunk({"content": said.text})
        if said.calls:
            calls = [{"index": place, **call} for place, call in enumerate(said.calls)]
            yield self._chunk({"tool_calls": calls})
        yield self._chunk({}, "tool_calls" if said.calls else wire.finish(delta.finish_reason))

    def _certain(self, delta: Delta) -> str:
        if not self.shape.functions:
            return delta.text
        text, self.held = tools.certain(self.held + delta.text, begun=self.released)
        self.released = self.released or bool(text)
        return text

    def _chunk(
        self, delta: dict[str, Any], reason: str | None = None, told: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        choice = {"index": self.index, "delta": delta, "logprobs": told, "finish_reason": reason}
        return {**self.shape.head, "object": "chat.completion.chunk", "choices": [choice]}


def logprobs(deltas: Iterable[Delta], chat: Chat) -> dict[str, Any]:
    """The tokens that the model decided on, and the likeliest in their places where they were asked for."""
    content = [
        {**_token(chat, token, value), "top_logprobs": [_token(chat, *one) for one in near]}
        for delta in deltas
        for token, value, near in wire.decided(delta)
    ]
    return {"content": content, "refusal": None}


def _token(chat: Chat, token: int, value: float) -> dict[str, Any]:
    text = wire.token_text(chat, token)
    return {"token": text, "logprob": value, "bytes": wire.token_bytes(text)}
