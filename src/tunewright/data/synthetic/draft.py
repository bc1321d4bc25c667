"""What an example is made from, and what it is before the filters have seen it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tunewright.core import digest
from tunewright.core.types import Example, TaskType


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the project knows already."""

    task: TaskType
    objective: str
    labels: tuple[str, ...] = ()
    train: tuple[Example, ...] = ()
    evaluated: tuple[Example, ...] = ()
    """Validation and test."""
    near: float = 0.7
    """How alike two questions are that must not stand in two splits."""

    @property
    def labelled(self) -> bool:
        """Whether an answer is one of a list."""
        return self.task == "classification"


@dataclass(frozen=True, kw_only=True)
class Seed:
    """What one answer of the teacher begins with."""

    source: str
    """Where it stands in the user's files."""
    question: str = ""
    answer: str = ""
    passage: str = ""
    parent: Example | None = None
    choices: tuple[str, ...] = ()
    """The valid answers of the teacher, if they are a list."""
    turn: int = 0
    """0 for the first answer to this seed, 1 for the second …"""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An example that may become one."""

    seed: Seed
    question: str
    answer: str
    rejected: str | None = None
    """An answer that must not be given."""
    cut: bool = False
    """Whether the teacher was cut off."""
    prompt: str = ""
    """What the teacher was asked."""
    time: str = ""
    """When it answered, ISO date and time in UTC."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """What filters measured."""

    @property
    def id(self) -> str:
        """The same words have the same id."""
        return digest.of_value([self.question, self.answer, self.rejected])[:16]

    @property
    def said(self) -> str:
        """What is new in it, to be compared with others."""
        return self.question if self.rejected is None else f"{self.question}\n{self.rejected}"
