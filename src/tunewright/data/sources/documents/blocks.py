"""The pieces of a document: paragraphs and headings, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tunewright.core.types import Problem
from tunewright.data.ports import Tell

_PAGES = re.compile(r"pages? (\d+)(?:–(\d+))?\Z")

LARGEST = 1 << 28
"""Bytes that a document may have, unpacked: 256 MiB."""

TEXT = 1 << 26
"""Characters of a document that is held as a whole while it is read: 64 Mi."""


class Block(NamedTuple):
    """A paragraph, a table, a list, or a heading."""

    place: str
    """`page 3`, `line 41`, `heading "2 Payments"`."""
    text: str
    level: int = 0
    """0 for text; 1 for the widest heading, 2 for those below it, and so on."""


class File(NamedTuple):
    """A document that is read, and who is told what is wrong with it."""

    path: Path
    name: str
    """What it is called in messages."""
    encoding: str
    tell: Tell

    def wrong(self, what: str, fix: str, place: str = "") -> None:
        """Tell one thing that is wrong."""
        self.tell(Problem(where=f"{self.name} {place}".rstrip(), what=what, fix=fix))

    def note(self, what: str, fix: str, place: str = "") -> None:
        """Tell something that a person should know, and that stops nothing."""
        self.tell(Problem(where=f"{self.name} {place}".rstrip(), what=what, fix=fix, fatal=False))


def pages_of(first: int, last: int) -> str:
    """Pages as a place."""
    return f"page {first}" if first == last else f"pages {first}–{last}"


def together(first: str, last: str) -> str:
    """The place of what begins at one place and ends at another: pages from and to, else where it begins."""
    begin, end = re.match(_PAGES, first), re.match(_PAGES, last)
    return pages_of(int(begin[1]), int(end[2] or end[1])) if begin and end else first


Read = Callable[[File], Iterator[Block]]
