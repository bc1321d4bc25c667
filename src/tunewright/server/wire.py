"""OpenAI's wire format: what may be asked, and the shapes of answers. Loads no web library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tunewright.core.types import Completion, Delta, Message, Request, Role
from tunewright.deploy.respond import Specialist
from tunewright.runtime.chat import Chat
from tunewright.runtime.engines.text import UNFINISHED
from tunewright.server.errors import ApiError

IGNORED = {
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning_effort",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
    "verbosity",
}
"""Parameters that change no answer here."""

REFUSED = {
    "chat_template": "the model answers with the template that was frozen at training and no other",
    "chat_template_kwargs": "the model answers with the template that was frozen at training and no other",
    "frequency_penalty": "penalties are not supported",
    "presence_penalty": "penalties are not supported",
    "functions": "tools are not supported yet",
    "function_call": "tools are not supported yet",
    "tools": "tools are not supported yet",
    "tool_choice": "tools are not supported yet",
    "logit_bias": "token biases are not supported",
    "audio": "only text is answered",
    "modalities": "only text is answered",
    "prediction": "predicted outputs are not supported",
    "web_search_options": "the model searches nothing",
}
UNSUPPORTED = "unsupported_parameter"
NEUTRAL: tuple[object, ...] = (None, False, 0, "none", "auto", {}, [], ["text"])
"""Values by which a client says that it does not want the refused thing."""


Logprobs = dict[str, Any]
Answer = tuple[Completion, Logprobs | None]
"""A whole answer, and what is told of its tokens where that was asked for."""


class TextPart(BaseModel):
    """A part of a turn; only text is read."""

    type: Literal["text"]
    text: str


class Turn(BaseModel):
    """One message of a request."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[TextPart]

    def message(self) -> Message:
        """The turn as the engine knows it."""
        role: Role = "system" if self.role == "developer" else self.role
        parts = self.content
        return Message(role=role, content=parts if isinstance(parts, str) else _joined(parts))


class ResponseFormat(BaseModel):
    """Only `text` is answered."""

    model_config = ConfigDict(extra="allow")

    type: str


class StreamOptions(BaseModel):
    """Whether a last chunk tells the usage."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """The body of `/v1/chat/completions`; what it does not know is ignored or refused by name."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: list[Turn] = Field(min_length=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    n: int | None = Field(default=None, ge=1, le=16)
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    constrained: bool | None = None
    """Ours: false lets a classifier answer with something that is no label."""
    return_token_ids: bool | None = None
    """As vLLM has it: every choice of a whole answer brings the ids of its tokens."""

    def requests(self, specialist: Specialist) -> list[Request]:
        """One engine request a choice; raises `ApiError` for what cannot be done."""
        self._refuse()
        if self.logprobs and specialist.chat is None:
            raise ApiError(
                400, "`logprobs`: this engine tells nothing of its tokens", param="logprobs", code=UNSUPPORTED
            )
        if self.top_logprobs and not self.logprobs:
            raise ApiError(400, "`top_logprobs` needs `logprobs: true`", param="top_logprobs")
        messages = [turn.message() for turn in self.messages]
        sampling = dict(self._sampling())
        seeds = [None if self.seed is None else self.seed + i for i in range(self.n or 1)]
        return [
            specialist.request(messages, constrained=self.constrained, seed=seed, **sampling)
            for seed in seeds
        ]

    @property
    def limit(self) -> int | None:
        """Most tokens of an answer, where the client names them."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def _sampling(self) -> Iterator[tuple[str, Any]]:
        """What was given; the rest is left to the request's defaults, greedy as in the evaluation."""
        if self.limit is not None:
            yield "max_tokens", self.limit
        if self.temperature is not None:
            yield "temperature", self.temperature
        if self.top_p is not None:
            yield "top_p", self.top_p
        if self.top_logprobs:
            yield "likeliest", self.top_logprobs
        if self.stop:
            yield "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    def _refuse(self) -> None:
        for name, value in (self.model_extra or {}).items():
            if name in IGNORED or (name in REFUSED and value in NEUTRAL):
                continue
            what = REFUSED.get(name, "this parameter is not known")
            raise ApiError(400, f"`{name}`: {what}", param=name, code=UNSUPPORTED)
        if self.response_format is not None and self.response_format.type != "text":
            raise ApiError(
                400,
                f"`response_format`: only `text` is answered yet, not `{self.response_format.type}`",
                param="response_format",
                code=UNSUPPORTED,
            )


def model_card(specialist: Specialist, created: int) -> dict[str, Any]:
    """The entry of `/v1/models`."""
    return {
        "id": specialist.name,
        "object": "model",
        "created": created,
        "owned_by": "tunewright",
        "release": specialist.id,
        "allowed": specialist.allowed,
    }


def chat_completion(
    head: dict[str, Any], answers: Sequence[Answer], *, with_ids: bool = False
) -> dict[str, Any]:
    """A whole answer of one choice or more."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": whole.text, "refusal": None},
            "logprobs": logprobs,
            "finish_reason": finish(whole.finish_reason),
            **({"token_ids": list(whole.token_ids)} if with_ids else {}),
        }
        for index, (whole, logprobs) in enumerate(answers)
    ]
    completions = [whole for whole, _ in answers]
    return {
        **head,
        "object": "chat.completion",
        "choices": choices,
        "usage": usage(
            max(completion.prompt_tokens for completion in completions),
            sum(completion.tokens for completion in completions),
        ),
    }


def logprobs(deltas: Iterable[Delta], chat: Chat) -> Logprobs:
    """The tokens that the model decided on; those that a list of labels left no choice about are left out."""
    content = []
    for delta in deltas:
        near = delta.likeliest or ((),) * len(delta.logprobs)
        decided = zip(delta.token_ids, delta.logprobs, near, strict=False)
        content += [
            {**_token(chat, token, value), "top_logprobs": [_token(chat, *one) for one in others]}
            for token, value, others in decided
        ]
    return {"content": content, "refusal": None}


def _token(chat: Chat, token: int, value: float) -> dict[str, Any]:
    """A token by its text; a part of a character has no bytes that could be told."""
    text = chat.decode([token]) or chat.tokenizer.id_to_token(token) or ""
    return {
        "token": text,
        "logprob": value,
        "bytes": None if UNFINISHED in text else list(text.encode()),
    }


def chunk(
    head: dict[str, Any],
    index: int,
    delta: dict[str, Any],
    reason: str | None,
    told: Logprobs | None = None,
) -> dict[str, Any]:
    """A piece of a streamed answer."""
    choice = {"index": index, "delta": delta, "logprobs": told, "finish_reason": reason}
    return {**head, "object": "chat.completion.chunk", "choices": [choice]}


def usage_chunk(head: dict[str, Any], prompt: int, answer: int) -> dict[str, Any]:
    """The last chunk, where it was asked for."""
    return {**head, "object": "chat.completion.chunk", "choices": [], "usage": usage(prompt, answer)}


def usage(prompt: int, answer: int) -> dict[str, int]:
    """Tokens of question and answer."""
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def finish(reason: str) -> str:
    """OpenAI knows `stop` and `length`."""
    return "length" if reason == "length" else "stop"


def _joined(parts: Sequence[TextPart]) -> str:
    return "".join(part.text for part in parts)
