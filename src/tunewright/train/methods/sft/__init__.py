"""Supervised fine-tuning: learn the assistant's turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from tunewright.core.errors import DataError
from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.learning import Likelihood, answered


@dataclass(frozen=True, kw_only=True)
class Sft(Likelihood):
    """Learn to say what the assistant says."""

    answers: Literal["last", "all"] = "last"
    """Which of the assistant's turns are learned."""
    compares: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """No answer that is marked undesirable: it would be learned to be given."""
        return example.desirable is not False

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """Tokens of the examples, and which of them are learned from."""
        return [self._one(example, chat, instruction) for example in examples]

    def _one(self, example: Example, chat: Chat, instruction: str | None) -> Rendered:
        if example.answer is None:
            raise DataError(
                "the last turn is not from the assistant, so there is nothing to learn",
                where=f"example {example.id}",
                fix="end every example with an `assistant` message",
            )
        rendered = answered(example, example.answer, chat, instruction)
        return rendered.last_turn if self.answers == "last" else rendered

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Answers to learn."""
        return "" if train else "answers that are not undesirable"
