"""What people are asked: items with a question, handed to one person at a time, and every answer kept.

Labels are asked for first; whatever asks people something else uses the same queue with a question of its
own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from tunewright.core.types import Frozen

Kind = Literal["given", "unsure", "skipped", "decided"]
"""`given` and `decided` (between those who differ) have a value; the others may have a note."""
LEASE = 600.0
"""Seconds that an item is kept for the person it was handed to."""


class Suggestion(Frozen):
    """What a machine would answer. Never an answer itself."""

    value: str
    confidence: float | None = None
    """0 to 1; None where it is not known."""
    by: str = ""
    """Engine, model or source."""


class Answer(Frozen):
    """What one person said of an item."""

    annotator: str
    kind: Kind = "given"
    value: str | None = None
    note: str = ""
    suggested: str | None = None
    """The suggestion that was seen before answering, if any."""
    time: float = 0.0
    """Seconds since 1970."""


class Item(Frozen):
    """Something to be asked about."""

    id: str
    payload: dict[str, Any]
    """What a person is shown; its keys are the question's own."""
    wanted: int = 1
    """Answers to collect, each from another person."""
    priority: float = 0.0
    """The highest is asked first; those of equal priority in the order they were added."""
    suggestion: Suggestion | None = None
    answers: tuple[Answer, ...] = ()
    """Those that stand, oldest first."""


class Queue(Protocol):
    """The items of one question. Every call is one transaction: what it returned is on the disk."""

    def add(self, items: Iterable[Item]) -> int:
        """Add items with the answers they bring; those whose id is known stay. Gives how many were new."""
        ...

    def items(self) -> list[Item]:
        """Every item with the answers that stand, in the order they were added."""
        ...

    def take(self, annotator: str, holder: str, *, now: float) -> Item | None:
        """The next item for a person, kept for `LEASE` seconds from `now`; None if there is none.

        Nobody is handed what they answered, and no more people hold an item than answers are wanted. `holder`
        names the session, so that one person in two windows gets two items.
        """
        ...

    def hold(self, item: str, annotator: str, holder: str, *, now: float) -> Item | None:
        """Keep one item for a person, answered or not; None if another session holds it."""
        ...

    def give(self, item: str, answer: Answer, holder: str = "") -> None:
        """Keep an answer, in place of an earlier one of that person, and let the item go."""
        ...

    def undo(self, annotator: str, holder: str, *, now: float, decided: bool = False) -> Item | None:
        """Withdraw the person's last answer (or decision) and hand its item out again, if there is one."""
        ...

    def release(self, holder: str) -> None:
        """Let go of what a session holds."""
        ...

    def suggest(self, suggestions: Mapping[str, Suggestion]) -> None:
        """Set what a machine would answer, by id of the item."""
        ...

    def prioritise(self, priorities: Mapping[str, float]) -> None:
        """Set the priority of these items by id, and that of all others to 0."""
        ...

    def forget(self, holds: Callable[[str], bool]) -> int:
        """Delete the items, of any question, whose text or answers hold something, from the file too.

        Withdrawn answers count. Gives how many there were.
        """
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def open_queue(path: Path, question: str) -> Queue:
    """The items of one question in a SQLite file, made if it is not there; raises `WorkspaceError`.

    Several processes may use it at once. What a call returned stays, whatever happens to the process or to
    the power: write-ahead log, synced at every commit.
    """
    records = importlib.import_module("tunewright.runtime.queue.records")
    queue: Queue = records.open_records(path, question)
    return queue
