"""Continued pre-training: learn the words of raw text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.learning import Likelihood


@dataclass(frozen=True, kw_only=True)
class Cpt(Likelihood):
    """Learn to go on with texts of the domain; they need no questions."""

    tokens: Annotated[int, Field(ge=8)] = 512
    """Longest piece that a text is cut into."""
    compares: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """Raw text."""
        return bool(example.text)

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """Pieces of the texts, every token learned from; the template and the instruction play no part."""
        del instruction
        return [piece for example in examples for piece in self._pieces(example, chat)]

    def _pieces(self, example: Example, chat: Chat) -> Iterator[Rendered]:
        ids = (*chat.encode(example.text or ""), *chat.stop_ids[:1])
        for start in range(0, len(ids), self.tokens):
            piece = ids[start : start + self.tokens]
            if len(piece) > 1:
                yield Rendered(piece, (True,) * len(piece), example.weight)

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Texts."""
        return "" if train else "raw texts (`text`)"
