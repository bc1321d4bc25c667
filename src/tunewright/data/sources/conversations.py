"""From the messages of a thread to conversations that end with an answer of ours."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from tunewright.core import digest
from tunewright.core.types import Problem
from tunewright.data.ports import GROUP, Row, Tell


class Said(NamedTuple):
    """One message."""

    speaker: str
    text: str
    ours: bool
    """True if the assistant is to learn to speak like this."""
    place: str
    time: dt.datetime | None = None
    outcome: str | None = None


def is_one_of(name: str, patterns: Sequence[str]) -> bool:
    """True if a name fits a pattern such as `support*`, whatever the case."""
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def pseudonym(name: str) -> str:
    """What tells people apart without their names: groups of examples are kept as they are."""
    return digest.of_value(name)[:16]


@dataclass
class Conversations:
    """Makes rows of threads, and counts what could not be learned from."""

    name: str
    """The source, in what is told."""
    each: bool
    """One row for each answer; otherwise one for each thread."""
    names: bool
    """Others than the assistant speak with their names."""
    threads: int = 0
    cut: list[str] = field(default_factory=list)
    """Places of threads that go on after the last answer."""
    silent: list[str] = field(default_factory=list)
    """Places of threads in which nothing is answered."""

    def rows(self, key: str, thread: Sequence[Said]) -> Iterator[Row]:
        """The rows of a thread whose messages are in their order.

        Turns of ours before the first question are left out: nobody asked for them.
        """
        self.threads += 1
        turns = list(_turns(thread, self.names))
        while turns and turns[0][0] == "assistant":
            turns.pop(0)
        ends = [place for place, (role, _) in enumerate(turns) if role == "assistant"]
        where = thread[0].place if thread else ""
        if not ends:
            self.silent.append(where)
            return
        if ends[-1] < len(turns) - 1:
            self.cut.append(where)
        outcome = next((one.outcome for one in reversed(thread) if one.outcome), None)
        times = [one.time for one in thread if one.time]
        for end in ends if self.each else ends[-1:]:
            values: dict[str, object] = {
                "messages": [{"role": role, "content": text} for role, text in turns[: end + 1]],
                "thread": key,
                "customer": next((pseudonym(one.speaker) for one in thread if not one.ours), None),
                "time": times[0].isoformat() if times else None,
                "outcome": outcome,
            }
            yield where, {**values, GROUP: key} if self.each else values

    def close(self, tell: Tell) -> None:
        """Tell once how many threads were cut, and how many hold nothing to learn."""
        unanswered = "end with a turn that nobody answers: what follows the last answer is left out"
        silent = "have no answer to a question, and are left out"
        for places, what, fix in (
            (self.cut, unanswered, "nothing needs to be done"),
            (self.silent, silent, "see that `assistant` names all who speak for you"),
        ):
            if places:
                said = f"{len(places)} of {self.threads} conversations {what}"
                tell(Problem(where=f"{self.name} {places[0]}", what=said, fix=fix, fatal=False))


def _turns(thread: Sequence[Said], names: bool) -> Iterator[tuple[str, str]]:
    """Roles and texts; what one side says in a row is one turn."""
    for ours, side in itertools.groupby(thread, lambda one: one.ours):
        parts = [
            (speaker, "\n".join(one.text for one in said))
            for speaker, said in itertools.groupby(side, lambda one: one.speaker)
        ]
        named = names and not ours
        yield (
            "assistant" if ours else "user",
            "\n\n".join(f"{speaker}: {text}" if named and speaker else text for speaker, text in parts),
        )
