"""OpenAI's wire format: what both kinds of requests and answers share. Loads no web library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tunewright.core.types import Completion, Delta
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
    "audio": "only text is answered",
    "best_of": "every answer that is asked for is given: use `n`",
    "chat_template": "the model answers with the template that was frozen at training and no other",
    "chat_template_kwargs": "the model answers with the template that was frozen at training and no other",
    "frequency_penalty": "penalties are not supported",
    "function_call": "this was replaced by `tool_choice`",
    "functions": "this was replaced by `tools`",
    "logit_bias": "token biases are not supported",
    "modalities": "only text is answered",
    "prediction": "predicted outputs are not supported",
    "presence_penalty": "penalties are not supported",
    "suffix": "answers go on from the prompt and know nothing of what follows",
    "web_search_options": "the model searches nothing",
}
UNSUPPORTED = "unsupported_parameter"
LARGEST = 65_536
"""Characters of a JSON schema, written as JSON."""
_UNASKED: dict[str, object] = {"best_of": 1, "suffix": ""}
"""Other values that ask for nothing."""
NEUTRAL: tuple[object, ...] = (None, False, 0, "none", "auto", {}, [], ["text"])
"""Values by which a client says that it does not want the refused thing."""
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
"""What SentencePiece writes for a space."""
Head = dict[str, Any]
"""What all chunks of an answer share."""


@dataclass(frozen=True)
class Heard:
    """A whole answer, and the deltas that it came in."""

    whole: Completion
    deltas: Sequence[Delta]


@dataclass(frozen=True)
class Answered:
    """All choices of a request, and what they cost: a prompt is counted once for all its choices."""

    choices: Sequence[Heard]
    prompt_tokens: int
    tokens: int


class StreamOptions(BaseModel):
    """Whether a last chunk tells the usage."""

    include_usage: bool = False


class Asked(BaseModel):
    """What any body may say; what it does not know is ignored or refused by name."""

    model_config = ConfigDict(extra="allow")
    most_choices: ClassVar[int] = 16

    model: str
    max_tokens: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    n: int | None = Field(default=None, ge=1, le=most_choices)
    seed: int | None = None
    stop: str | Annotated[list[str], Field(max_length=16)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    return_token_ids: bool | None = None
    """As vLLM has it: every choice of a whole answer brings the ids of its tokens."""

    @property
    def limit(self) -> int | None:
        """Most tokens of an answer, where the client names them."""
        return self.max_tokens

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def seeds(self) -> list[int | None]:
        """One of each choice."""
        return [None if self.seed is None else self.seed + i for i in range(self.n or 1)]

    @model_validator(mode="after")
    def _whole_characters(self) -> Self:
        try:
            self.model_dump_json()
        except (ValueError, RecursionError):
            what = "a text in it has half a character (a lone surrogate), or it nests too deeply"
            raise ValueError(what) from None
        return self

    def sampling(self) -> Iterator[tuple[str, Any]]:
        """What was given; the rest is left to the request's defaults, greedy as in the evaluation."""
        if self.limit is not None:
            yield "max_tokens", self.limit
        if self.temperature is not None:
            yield "temperature", self.temperature
        if self.top_p is not None:
            yield "top_p", self.top_p
        if self.stop:
            yield "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop)

    def refuse(self) -> None:
        """Raise `ApiError` for the first parameter that would have to be passed over."""
        for name, value in (self.model_extra or {}).items():
            unasked = value in NEUTRAL or value == _UNASKED.get(name, ...)
            if name in IGNORED or (name in REFUSED and unasked):
                continue
            what = REFUSED.get(name, "this parameter is not known")
            raise ApiError(400, f"`{name}`: {what}", param=name, code=UNSUPPORTED)


def tokens_told(specialist: Specialist) -> Chat:
    """The tokenizer that says what tokens are called; raises `ApiError` where nobody knows it."""
    if specialist.chat is None:
        what = "`logprobs`: this engine tells nothing of its tokens"
        raise ApiError(400, what, param="logprobs", code=UNSUPPORTED)
    return specialist.chat


def token_text(chat: Chat, token: int) -> str:
    """What a token is called, with the space before it, which some decoders leave out at a beginning."""
    text, piece = chat.decode([token]), chat.tokenizer.id_to_token(token) or ""
    if piece.startswith(_SPACE) and not text.startswith(" "):
        return f" {text}"
    return text or piece


def token_bytes(text: str) -> list[int] | None:
    """The bytes of a token; a part of a character has none that could be told."""
    return None if UNFINISHED in text else list(text.encode())


def decided(delta: Delta) -> Iterator[tuple[int, float, Sequence[tuple[int, float]]]]:
    """Tokens that the model decided on, with what stood near; those that a list of labels gave are not."""
    near = delta.likeliest or ((),) * len(delta.logprobs)
    return zip(delta.token_ids, delta.logprobs, near, strict=False)


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


def usage(prompt: int, answer: int) -> dict[str, int]:
    """Tokens of question and answer."""
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def finish(reason: str) -> str:
    """OpenAI knows `stop` and `length`."""
    return "length" if reason == "length" else "stop"
