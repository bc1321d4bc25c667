"""Mails from files: which belong together, who wrote them when, and what is in them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell
from tunewright.data.sources.conversations import Conversations, Said, is_one_of, pseudonym
from tunewright.data.sources.mail import letters
from tunewright.data.sources.mail.letters import Letter

if TYPE_CHECKING:
    from tunewright.data.sources.mail import Mail

LARGEST = 1 << 26
"""Bytes that a mail may have: 64 MiB."""

_REPLY = re.compile(r"\s*(?:(?:re|aw|antw|sv|fwd?|wg|tr|rv)\s*(?:\[\d+\])?\s*:\s*)+", re.I)


def read(source: Mail, project: Path, tell: Tell) -> Iterator[Row]:
    """The conversations of the mails, in the order in which they begin."""
    box = _Box(source, tell)
    if not source.assistant:
        box.wrong(
            "nobody is named who speaks for you",
            "name addresses or domains: `mail: {path: …, assistant: [example.com]}`",
        )
        return
    found = box.letters(project)
    made = Conversations(source.path, source.each, source.names)
    for thread in _threads(found, source.assistant):
        said = [
            Said(
                one.name or one.address,
                one.text,
                _is_ours(one.address, source.assistant),
                one.place,
                one.time,
            )
            for one in thread
        ]
        yield from made.rows(pseudonym(thread[0].key), said)
    if found and not any(_is_ours(one.address, source.assistant) for one in found):
        box.wrong(
            "no mail is from those in `assistant`", "write addresses or domains as they stand behind `From:`"
        )
    else:
        made.close(tell)


@dataclass
class _Box:
    """Reads the mails of a source, and tells what is wrong with them."""

    source: Mail
    tell: Tell
    attachments: int = 0
    empty: int = 0
    known: set[str] = field(default_factory=set)

    def wrong(self, what: str, fix: str, place: str = "", *, fatal: bool = True) -> None:
        """Tell one thing."""
        self.tell(Problem(where=f"{self.source.path} {place}".rstrip(), what=what, fix=fix, fatal=fatal))

    def letters(self, project: Path) -> list[Letter]:
        """Every mail that says something, once; what is left out is told once."""
        found: list[Letter] = []
        top = project / self.source.path
        for path in self.source.files(project):
            inside = "" if path == top else path.relative_to(top).as_posix()
            for place, data in self._mails(path, inside):
                one = self._letter(data, place)
                if one is not None and one.key not in self.known:
                    self.known.add(one.key)
                    found.append(one)
        for count, what in (
            (self.attachments, "attachments"),
            (self.empty, "mails without a text of their own"),
        ):
            if count:
                self.wrong(f"{count} {what} are left out", "nothing needs to be done", fatal=False)
        return found

    def _letter(self, data: bytes, place: str) -> Letter | None:
        try:
            one = letters.read(data, place, signatures=self.source.signatures)
        except letters.BROKEN as error:
            self.wrong(f"this mail cannot be read: {error}", "take it out", place)
            return None
        if not one.address:
            self.wrong("this is no mail: nobody sent it", "take it out, or export it again", place)
            return None
        self.attachments += one.attachments
        self.empty += not one.text
        return one if one.text else None

    def _mails(self, path: Path, inside: str) -> Iterator[tuple[str, bytes]]:
        if path.suffix.lower() == ".mbox":
            yield from self._split(path, inside)
        elif path.stat().st_size > LARGEST:
            self._too_large(inside)
        else:
            yield inside or "message 1", path.read_bytes()

    def _split(self, path: Path, inside: str) -> Iterator[tuple[str, bytes]]:
        """The mails of a mailbox: each begins with `From ` at the beginning of a line, below an empty one."""
        number = 0
        for number, data in enumerate(_parts(path), 1):
            place = f"{inside} message {number}".strip()
            if data is None:
                self._too_large(place)
            else:
                yield place, data
        if not number:
            fix = "export it as mbox, or as `.eml`"
            self.wrong("this is no mailbox: no line begins with `From `", fix, inside)

    def _too_large(self, place: str) -> None:
        self.wrong(f"this mail is larger than {LARGEST >> 20} MiB", "take its attachments out", place)


def _parts(path: Path) -> Iterator[bytes | None]:
    """The bytes of each mail in a mailbox; None for one that is too large."""
    begun, size, blank, parts = False, 0, True, list[bytes]()
    with path.open("rb") as box:
        while line := box.readline(1 << 20):
            if blank and line.startswith(b"From "):
                if begun:
                    yield b"".join(parts) if size <= LARGEST else None
                begun, size, parts = True, 0, []
            elif size <= LARGEST:
                size += len(line)
                parts.append(line[line.startswith(b">From ") :])
            blank = not line.strip()
    if begun:
        yield b"".join(parts) if size <= LARGEST else None


def _is_ours(address: str, patterns: Sequence[str]) -> bool:
    """True for an address, or one of a domain or below it."""
    bare = [one.removeprefix("@") for one in patterns]
    return is_one_of(address, [*bare, *(f"*@{one}" for one in bare), *(f"*@*.{one}" for one in bare)])


class _Together:
    """Which keys belong to one thread (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, key: str) -> str:
        """The key that stands for the thread."""
        while (above := self._above.setdefault(key, key)) != key:
            self._above[key] = self._above.setdefault(above, above)
            key = above
        return key

    def join(self, key: str, other: str) -> None:
        """Both belong to one thread: that of `other`."""
        self._above[self.of(key)] = self.of(other)


def _threads(found: Sequence[Letter], ours: Sequence[str]) -> Iterator[list[Letter]]:
    """Mails that answer each other, by their references; an answer without any by subject and people."""
    together = _Together()
    by_subject: dict[str, list[Letter]] = {}
    for one in found:
        for other in one.references:
            together.join(one.key, other)
        by_subject.setdefault(_REPLY.sub("", one.subject).strip().casefold(), []).append(one)
    for answer, first in _answered(by_subject, ours):
        together.join(answer.key, first.key)
    threads: dict[str, list[Letter]] = {}
    for one in found:
        threads.setdefault(together.of(one.key), []).append(one)
    for thread in threads.values():
        yield sorted(thread, key=lambda one: one.time or dt.datetime.min.replace(tzinfo=dt.UTC))


def _answered(
    by_subject: Mapping[str, Sequence[Letter]], ours: Sequence[str]
) -> Iterator[tuple[Letter, Letter]]:
    """Answers that name no mail, each with the first of its subject that one of the same others is in."""
    for subject, same in by_subject.items():
        for one in same if subject else ():
            if not one.references and _REPLY.match(one.subject):
                others = {person for person in one.people if not _is_ours(person, ours)}
                yield from [(one, other) for other in same if other is not one and others & other.people][:1]
