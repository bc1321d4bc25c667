"""What the doctor says: a finding with its rows, what it is expected to do, and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.core import types as core
from tunewright.core.types import Example, Frozen

Kind = Literal[
    "contradictory answers",
    "several answers",
    "suspected label errors",
    "leaked examples",
    "truncated answers",
    "another language",
    "boilerplate",
    "over-apology",
    "inconsistent format",
    "imbalance",
    "low diversity",
    "unanswerable references",
    "supervised share",
    "prompt template",
    "empty preference",
    "size",
]
SHOWN = 20
"""Rows that are shown of each finding; the places of all of them are kept."""
FRAME = 5
"""Words that many questions must begin or end with to count as a frame around them."""
_EXCERPT = 160


class Evidence(Frozen):
    """One example that a finding rests on."""

    source: str
    """Where it came from."""
    text: str
    """The part of it that matters, shortened."""
    note: str = ""
    """What is wrong with it."""


class Finding(core.Finding):
    """One thing that is wrong with the data, or may be."""

    kind: Kind
    weight: float
    """Expected harm, 0 to 1: the share of examples times how much one of them costs."""
    examples: int
    """Examples that it concerns."""
    share: float
    """Of all examples that were looked at."""
    rows: tuple[Evidence, ...] = ()
    places: tuple[str, ...] = ()
    """Sources of every example that it concerns, in their order."""


@dataclass(frozen=True)
class Suspect:
    """An example with what is wrong with it."""

    example: Example
    text: str
    note: str = ""


@dataclass(frozen=True)
class Telling:
    """The words of a kind of finding; `harm` is what one example of it costs, 0 to 1."""

    kind: Kind
    effect: str
    fix: str
    harm: float


def find(telling: Telling, what: str, suspects: Iterable[Suspect], looked_at: int) -> Finding:
    """The finding over all suspects; `what` is its sentence."""
    found = list(suspects)
    share = len(found) / max(1, looked_at)
    return Finding(
        kind=telling.kind,
        what=what,
        effect=telling.effect,
        fix=telling.fix,
        weight=min(1.0, share * telling.harm),
        examples=len(found),
        share=share,
        rows=tuple(
            Evidence(source=one.example.source, text=excerpt(one.text), note=one.note)
            for one in found[:SHOWN]
        ),
        places=tuple(one.example.source for one in found),
    )


def excerpt(text: str) -> str:
    """The text in one line, its middle left out where it is long."""
    plain = " ".join(text.split())
    half = _EXCERPT // 2
    return plain if len(plain) <= _EXCERPT else f"{plain[:half]} … {plain[-half:]}"


def told_apart(texts: Sequence[str]) -> list[str]:
    """The texts without the words that half of them begin or end with: a frame tells nothing apart."""
    lines = _without_beginning([text.split() for text in texts])
    lines = [line[::-1] for line in _without_beginning([line[::-1] for line in lines])]
    return [" ".join(line) for line in lines]


def _without_beginning(lines: Sequence[list[str]]) -> list[list[str]]:
    frame: list[str] = []
    sharing = [line for line in lines if line]
    while sharing:
        word, count = Counter(line[len(frame)] for line in sharing).most_common(1)[0]
        if count < max(2, len(lines) / 2):
            break
        frame.append(word)
        sharing = [line for line in sharing if line[len(frame) - 1] == word and len(line) > len(frame)]
    size = len(frame) if len(frame) >= FRAME else 0
    return [line[size:] if size and line[:size] == frame else list(line) for line in lines]
