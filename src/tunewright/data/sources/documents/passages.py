"""From the blocks of documents to passages of a length, cut at headings, paragraphs and sentences."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.data.ports import Row, Tell
from tunewright.data.sources.documents import html, markdown, pdf, plain, word
from tunewright.data.sources.documents.blocks import Block, File, Read, together

if TYPE_CHECKING:
    from tunewright.data.sources.documents import Documents

_READ: dict[str, Read] = {
    ".pdf": pdf.blocks,
    ".docx": word.blocks,
    **dict.fromkeys((".html", ".htm", ".xhtml"), html.blocks),
    **dict.fromkeys((".md", ".markdown"), markdown.blocks),
}
"""Any other suffix is plain text."""

_SENTENCE = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+(?=\S)|\n+")
_WORD = re.compile(r"\S{1,100}\s*")
"""A word with the space behind it; what is longer than words are counts as several."""

_BETWEEN = " > "
"""Stands between the headings above a passage."""


def read(source: Documents, project: Path, tell: Tell) -> Iterator[Row]:
    """The passages of every file; places begin with the file where there are several."""
    top = project / source.path
    for path in source.files(project):
        inside = "" if path == top else path.relative_to(top).as_posix()
        file = File(path, f"{source.path}/{inside}" if inside else source.path, source.encoding, tell)
        blocks = _READ.get(path.suffix.lower(), plain.blocks)(file)
        for place, title, said in passages(blocks, source.words, source.overlap):
            yield f"{inside} {place}".strip(), {"text": said, "title": title, "group": inside or path.name}


def passages(blocks: Iterable[Block], words: int, overlap: int) -> Iterator[tuple[str, str, str]]:
    """Place, headings and text of each passage. A heading without text below it stands in those below it."""
    above: list[tuple[int, str]] = []
    for is_text, group in itertools.groupby(blocks, lambda block: not block.level):
        if is_text:
            yield from _section(group, _BETWEEN.join(text for _, text in above), words, overlap)
            continue
        for block in group:
            above = [*(one for one in above if one[0] < block.level), (block.level, block.text)]


def _section(
    section: Iterator[Block], title: str, words: int, overlap: int
) -> Iterator[tuple[str, str, str]]:
    units = (unit for block in section for unit in _units(block, words))
    for pieces in _filled(units, words, overlap):
        said = "".join(text for _, text in pieces).strip()
        place = together(pieces[0][0], next(place for place, text in reversed(pieces) if text.strip()))
        yield place, title, f"{title}\n\n{said}" if title else said


Unit = tuple[str, str]
"""Place, and a text with what stands behind it: a space, or an empty line at the end of a paragraph."""


def _units(block: Block, words: int) -> Iterator[Unit]:
    """The paragraph, or its sentences where it is too long, or pieces of those."""
    text = block.text.strip()
    if len(_WORD.findall(text)) <= words:
        yield block.place, f"{text}\n\n"
        return
    start = 0
    for end in [*(found.end() for found in _SENTENCE.finditer(text)), len(text)]:
        yield from ((block.place, piece) for piece in _pieces(text[start:end], words))
        start = end
    yield block.place, "\n\n"


def _pieces(sentence: str, words: int) -> Iterator[str]:
    """A sentence that is longer than two passages is none: a table or a list of words."""
    found = _WORD.findall(sentence)
    step = words if len(found) > 2 * words else len(found) or 1
    for first in range(0, len(found), step):
        yield "".join(found[first : first + step])


def _filled(units: Iterable[Unit], words: int, overlap: int) -> Iterator[list[Unit]]:
    """Units together, up to so many words; each begins with the end of the one before it."""
    current: list[Unit] = []
    size, new = 0, False
    for unit in units:
        count = len(_WORD.findall(unit[1]))
        if new and count and size + count > words:
            yield current
            current = _end(current, overlap)
            size, new = sum(len(_WORD.findall(said)) for _, said in current), False
        current.append(unit)
        size, new = size + count, new or count > 0
    if new:
        yield current


def _end(units: list[Unit], overlap: int) -> list[Unit]:
    """The last words of a passage: whole units where they fit."""
    kept: list[Unit] = []
    room = overlap
    for place, said in reversed(units):
        found = _WORD.findall(said)
        if found and room > 0:
            kept.insert(0, (place, "".join(found[-room:])))
        room -= len(found)
    return kept
