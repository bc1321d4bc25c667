"""OpenAI's wire format: what may be asked, and the shapes of answers. Loads no web library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tunewright.core.types import Completion, Message, Request, Role
from tunewright.deploy.respond import Specialist
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
    "logprobs": "log-probabilities are not served yet",
    "top_logprobs": "log-probabilities are not served yet",
    "audio": "only text is answered",
    "modalities": "only text is answered",
    "prediction": "predicted outputs are not supported",
    "web_search_options": "the model searches nothing",
}
NEUTRAL: tuple[object, ...] = (None, False, 0, "none", "auto", {}, [], ["text"])
"""Values by which a client says that it does not want the refused thing."""


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
        if self.stop:
            yield "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    def _refuse(self) -> None:
        for name, value in (self.model_extra or {}).items():
            if name in IGNORED or (name in REFUSED and value in NEUTRAL):
                continue
            what = REFUSED.get(name, "this parameter is not known")
            raise ApiError(400, f"`{name}`: {what}", param=name, code="unsupported_parameter")
        if self.response_format is not None and self.response_format.type != "text":
            raise ApiError(
                400,
                f"`response_format`: only `text` is answered yet, not `{self.response_format.type}`",
                param="response_format",
                code="unsupported_parameter",
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
    head: dict[str, Any], completions: Sequence[Completion], *, with_ids: bool = False
) -> dict[str, Any]:
    """A whole answer, one choice a completion."""
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": completion.text, "refusal": None},
            "logprobs": None,
            "finish_reason": finish(completion.finish_reason),
            **({"token_ids": list(completion.token_ids)} if with_ids else {}),
        }
        for index, completion in enumerate(completions)
    ]
    return {
        **head,
        "object": "chat.completion",
        "choices": choices,
        "usage": usage(
            max(completion.prompt_tokens for completion in completions),
            sum(completion.tokens for completion in completions),
        ),
    }


def chunk(head: dict[str, Any], index: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    """A piece of a streamed answer."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
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
