"""The one place where a conversation becomes tokens, and tokens get their loss mask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tunewright.core import digest
from tunewright.core.errors import ModelError
from tunewright.core.types import Example, Message, Request
from tunewright.runtime.lazy import require

TEMPLATE = "chat_template.jinja"
TOKENIZER = "tokenizer.json"
TOKENIZER_SETTINGS = "tokenizer_config.json"
Tools = Sequence[Mapping[str, Any]]
"""Functions in OpenAI's form."""


@dataclass(frozen=True)
class Rendered:
    """A conversation as tokens; `trained[i]` says whether token `i` is learned from."""

    ids: tuple[int, ...]
    trained: tuple[bool, ...]
    weight: float = 1.0
    """How much the loss of its tokens counts."""
    beside: Rendered | None = None
    """The text that it is weighed against, where a method learns from more than one."""
    desirable: bool = True
    """Whether it is to become likelier."""
    reference: tuple[float, ...] = ()
    """Log-probability of each trained token by the model as it was before training, where that is needed."""
    example: Example | None = None
    """What it was made from, where answers of the model itself are scored."""

    @property
    def learned(self) -> int:
        """Tokens that are learned from; the first of a text cannot be, for nothing stands before it."""
        return sum(self.trained[1:])

    @property
    def last_turn(self) -> Rendered:
        """The same, its last run of trained tokens alone learned from."""
        trained = list(self.trained)
        place = len(trained)
        while place and not trained[place - 1]:
            place -= 1
        while place and trained[place - 1]:
            place -= 1
        return replace(self, trained=tuple([False] * place + trained[place:]))

    @property
    def rated(self) -> Rendered:
        """The same with one more token, the only one trained: the place of a rating, whatever it is."""
        trained = (*[False] * len(self.ids), True)
        return replace(self, ids=(*self.ids, 0), trained=trained)

    @property
    def trained_share(self) -> float:
        """Share of the tokens that are learned from, 0 to 1."""
        return sum(self.trained) / len(self.trained) if self.trained else 0.0


@dataclass(frozen=True)
class _Answered:
    """A conversation up to the end of its last assistant turn."""

    ids: list[int]
    trained: list[bool]
    written: str


@dataclass(frozen=True)
class Chat:
    """A chat template and its tokenizer, frozen together."""

    template: str
    tokenizer: Any = field(repr=False)
    """A `tokenizers.Tokenizer`."""
    special: dict[str, str]
    """`bos_token`, `eos_token` … as the template sees them."""

    @classmethod
    def load(cls, folder: Path) -> Chat:
        """Read template and tokenizer from a model folder; raises `ModelError`."""
        settings = _settings(folder)
        template = _template(folder, settings)
        tokenizers = require("tokenizers", extra="train")
        path = folder / TOKENIZER
        if not path.exists():
            raise ModelError(
                f"there is no `{TOKENIZER}`", where=str(folder), fix="give a folder with a fast tokenizer"
            )
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises nothing narrower
            fix = "copy or fetch the file again"
            raise ModelError(f"the tokenizer cannot be read: {error}", where=str(path), fix=fix) from error
        return cls(template, tokenizer, _special(settings))

    @property
    def template_sha256(self) -> str:
        """Digest of the template's text; a checkpoint is served with no other."""
        return digest.of_text(self.template)

    @cached_property
    def stop_ids(self) -> tuple[int, ...]:
        """Tokens that end an answer."""
        eos = self.special.get("eos_token")
        found = self.tokenizer.token_to_id(eos) if eos else None
        return () if found is None else (int(found),)

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401 - a function of `runtime.chat.templates`
        return require("tunewright.runtime.chat.templates", extra="train").compiled(self.template)

    @cached_property
    def shows_tools(self) -> bool:
        """Whether the template knows what to do with functions that may be called."""
        return "tools" in require("tunewright.runtime.chat.templates", extra="train").variables(self.template)

    def text(self, messages: Sequence[Message], *, answer_next: bool = False, tools: Tools = ()) -> str:
        """The conversation as the template writes it; `answer_next` opens the assistant's turn."""
        turns = [message.model_dump(exclude_defaults=True) for message in messages]
        shown = {"tools": list(tools) or None, "documents": None}  # some ask `is none`, not `is defined`
        values = {"messages": turns, "add_generation_prompt": answer_next, **shown, **self.special}
        return str(self._compiled(values))

    def encode(self, text: str) -> list[int]:
        """Token ids of template-written text; nothing is added to it."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of an answer's tokens, special tokens left out."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))

    def asked(self, request: Request) -> list[int]:
        """Token ids that an engine is given for a request."""
        return list(request.prompt) or self.prompt(request.messages, request.tools)

    def prompt(self, messages: Sequence[Message], tools: Tools = ()) -> list[int]:
        """Token ids that an engine is given before it answers a conversation.

        Earlier answers are cut into tokens as they were trained; only a template that rewrites
        earlier turns, which cannot be trained on, is cut as one text.
        """
        text = self.text(messages, answer_next=True, tools=tools)
        answered = self._answered(messages, tools)
        if answered is None or not text.startswith(answered.written):
            return self.encode(text)
        return answered.ids + self.encode(text[len(answered.written) :])

    def render(self, messages: Sequence[Message]) -> Rendered:
        """Token ids and loss mask: every assistant turn is trained, its stop token included.

        The ids of a prompt are the ids that `prompt` gives, so that training and answering see
        the same tokens. Raises `ModelError` if the template rewrites earlier turns.
        """
        answered, text = self._answered(messages), self.text(messages)
        if answered is None or not text.startswith(answered.written):
            raise _unstable()
        rest = self.encode(text[len(answered.written) :])
        return Rendered((*answered.ids, *rest), (*answered.trained, *[False] * len(rest)))

    def _answered(self, messages: Sequence[Message], tools: Tools = ()) -> _Answered | None:
        """Everything up to the last assistant turn; None if the template rewrites earlier turns."""
        ids: list[int] = []
        trained: list[bool] = []
        written = ""
        for place, message in enumerate(messages):
            if message.role != "assistant":
                continue
            if place == 0:
                raise _no_question()
            before = self.text(messages[:place], answer_next=True, tools=tools)
            after = self.text(messages[: place + 1], tools=tools)
            if not (before.startswith(written) and after.startswith(before)):
                return None
            prompt_ids = self.encode(before[len(written) :])
            answer_ids, learned = self._answer(after[len(before) :])
            ids += prompt_ids + answer_ids
            trained += [False] * len(prompt_ids) + learned
            written = after
        return _Answered(ids, trained, written)

    def answer_ids(self, answer: str) -> list[int]:
        """Token ids of one answer as they are trained: its text and the stop token."""
        question = (Message(role="user", content="?"),)
        rendered = self.render((*question, Message(role="assistant", content=answer)))
        return [i for i, learned in zip(rendered.ids, rendered.trained, strict=True) if learned]

    def _answer(self, text: str) -> tuple[list[int], list[bool]]:
        """Ids and mask of an assistant turn: trained up to its stop token, which is added if missing."""
        ids = self.encode(text)
        stops = [place for place, token in enumerate(ids) if token in self.stop_ids]
        if not stops:
            ids = [*ids, *self.stop_ids[:1]]
        last = stops[0] if stops else len(ids) - 1
        return ids, [place <= last for place in range(len(ids))]


def with_instruction(messages: Sequence[Message], instruction: str | None) -> tuple[Message, ...]:
    """The turns with the instruction as system turn before them, unless they bring one of their own.

    The same at training, at evaluation and in service (decision 0003).
    """
    if not instruction or any(message.role == "system" for message in messages):
        return tuple(messages)
    return (Message(role="system", content=instruction), *messages)


def _no_question() -> ModelError:
    return ModelError(
        "the conversation begins with an answer, so nothing was asked",
        where=TEMPLATE,
        fix="put a `user` turn before the first `assistant` turn",
    )


def _unstable() -> ModelError:
    return ModelError(
        "the chat template rewrites earlier turns, so no loss mask is sure",
        where=TEMPLATE,
        fix="split the conversation into examples with one answer each",
    )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / TOKENIZER_SETTINGS
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _template(folder: Path, settings: dict[str, Any]) -> str:
    path = folder / TEMPLATE
    template = path.read_text(encoding="utf-8") if path.exists() else settings.get("chat_template")
    if not isinstance(template, str):
        raise ModelError(
            "the model has no chat template",
            where=str(folder),
            fix=f"take an instruction-tuned model, or add `{TEMPLATE}`",
        )
    return template


def _special(settings: dict[str, Any]) -> dict[str, str]:
    def text(value: object) -> str | None:
        return value.get("content") if isinstance(value, dict) else value  # type: ignore[return-value]

    names = ("bos_token", "eos_token", "pad_token", "unk_token")
    return {name: found for name in names if (found := text(settings.get(name)))}
