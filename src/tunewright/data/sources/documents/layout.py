"""From the lines of pages to headings and paragraphs, without what repeats on every page."""

from __future__ import annotations

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from tunewright.data.sources.documents.blocks import Block, pages_of

_EDGE = 2
"""Lines at the top and at the bottom of a page that may be header or footer."""

_TIMES = 3
"""Pages on which a line is a header: fewer may be chance."""

_SHARE = 50
"""One of how many pages must have a line, in a long document."""

_LARGER = 1.12
"""Sizes of the text from which a line is a heading."""

_LONGEST_HEADING = 15
"""Words."""

_LONGEST_WORD = 60
"""Characters."""

_LEADING = 1.35
"""Usual distances between lines from which a paragraph ends."""

_FULL = 0.7
"""Share of a usual line from which the next one goes on with its sentence."""

_NUMBERED = re.compile(r"(?:\d+|[A-Z])(?:\.\d+)*\.?\s+\S")
_PAGE = re.compile(
    r"(?:page|seite|p\.|s\.)?\s*[-–—]?\s*(\d+|[ivxlc]+)\s*[-–—]?(?:\s*(?:of|von|/|\|)\s*\d+)?", re.I
)
_NUMBER = re.compile(r"\A(\d+)\b|\b(\d+)\Z")
_LEADERS = re.compile(r"(?:\s*\.){5,}\s*(?:\d|[ivxlc]|\Z)")
"""The dots of a table of contents."""

_LISTED = re.compile(r"[•◦▪‣–*-]\s|\(?\w{1,3}[.)]\s")


T = TypeVar("T")


class Line(NamedTuple):
    """A line of a page; lengths in points, the origin at the bottom left."""

    text: str
    x: float
    y: float
    size: float
    bold: bool = False
    right: float = 0.0
    """Where it ends, roughly."""


Pages = Sequence[Sequence[Line]]


def blocks(pages: Pages) -> Iterator[Block]:
    """Headings by their size, paragraphs by their distance, with the page each begins on."""
    usual = _usual_size(pages)
    body = _without_edges(pages, usual)
    lines = [(number, line) for number, page in enumerate(body, 1) for line in page]
    if not lines:
        return
    levels = _levels([line for _, line in lines], usual)
    text = _Text.of([line for _, line in lines])
    for heading, together in itertools.groupby(lines, lambda one: _is_heading(one[1], usual)):
        group = list(together)
        yield from _headings(group, levels) if heading else _paragraphs(group, text)


def _usual_size(pages: Pages) -> float:
    sizes = Counter[float]()
    for line in itertools.chain.from_iterable(pages):
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 1.0


def _without_edges(pages: Pages, usual: float) -> list[list[Line]]:
    """The pages without headers, footers and page numbers, and without entries of a table of contents.

    Where that would leave a page without a line, only what stands on others letter for letter goes.
    """
    edges = [[line for line in _edges(page) if line.size <= _LARGER * usual] for page in pages]
    often = max(min(_TIMES, max(2, len(pages))), len(pages) // _SHARE)
    same = _met(({line.text for line in page} for page in edges), often)
    alike = _met(({_pattern(line.text) for line in page} for page in edges), often)
    counted = _met(
        ({shift for line in page for shift in _shifts(line, n)} for n, page in enumerate(edges)), often
    )
    kept: list[list[Line]] = []
    for number, (page, edge) in enumerate(zip(pages, edges, strict=True)):
        text = [line for line in page if not _LEADERS.search(line.text)]
        sure = {line for line in edge if line.text in same or _PAGE.fullmatch(line.text)}
        likely = {line for line in edge if _pattern(line.text) in alike or counted & _shifts(line, number)}
        left = [line for line in text if line not in sure | likely]
        kept.append(left or [line for line in text if line not in sure])
    return kept


def _met(found: Iterable[set[T]], often: int) -> set[T]:
    """What stands on so many pages."""
    return {one for one, times in Counter(one for page in found for one in page).items() if times >= often}


def _edges(page: Sequence[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: line.y)
    return [*by_height[:_EDGE], *by_height[-_EDGE:]] if len(page) > 2 * _EDGE else by_height


def _pattern(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _shifts(line: Line, number: int) -> set[tuple[bool, int]]:
    """How far the number at the beginning or the end of a short line is from that of the page."""
    if len(line.text.split()) > _LONGEST_HEADING:
        return set()
    return {
        (bool(first), int(first or last) - number)
        for first, last in _NUMBER.findall(line.text)
        if len(first or last) < 6
    }


def _is_heading(line: Line, usual: float) -> bool:
    if len(line.text.split()) > _LONGEST_HEADING or not re.search(r"[^\W\d_]", line.text):
        return False
    return line.size > _LARGER * usual or (
        line.bold and line.size > 0.95 * usual and bool(_NUMBERED.match(line.text))
    )


def _levels(lines: Sequence[Line], usual: float) -> dict[float, int]:
    sizes = sorted({round(line.size) for line in lines if _is_heading(line, usual)}, reverse=True)
    return {size: level for level, size in enumerate(sizes, 1)}


def _headings(group: Sequence[tuple[int, Line]], levels: dict[float, int]) -> Iterator[Block]:
    """Headings; lines of one size that stand one below the other are one heading."""
    page, above = group[0]
    text = above.text
    for number, line in group[1:]:
        near = 0 < above.y - line.y < 1.6 * line.size and abs(above.size - line.size) < 0.5
        if near and number == page and not _NUMBERED.match(line.text):
            text = f"{text} {line.text}"
        else:
            yield Block(pages_of(page, page), text, levels[round(above.size)])
            page, text = number, line.text
        above = line
    yield Block(pages_of(page, page), text, levels[round(above.size)])


class _Text(NamedTuple):
    """What is usual in the text of a document."""

    leading: float
    """Distance between lines, in sizes."""
    width: float
    """Characters of a long line."""
    words: frozenset[str]
    """Words with a hyphen inside a line: such a hyphen belongs to the word."""

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Text:
        steps = [
            (above.y - line.y) / line.size
            for above, line in itertools.pairwise(lines)
            if 0 < above.y - line.y < 2.5 * line.size
        ]
        lengths = sorted(len(line.text) for line in lines)
        words = frozenset(
            word.strip(",.;:!?()").casefold()
            for line in lines
            for word in line.text.split()
            if "-" in word[:-1]
        )
        return cls(statistics.median(steps) if steps else 1.2, lengths[int(0.9 * (len(lengths) - 1))], words)


def _paragraphs(group: Sequence[tuple[int, Line]], usual: _Text) -> Iterator[Block]:
    page, above = group[0]
    last, text = page, above.text
    for number, line in group[1:]:
        if _ends(above, line, usual):
            yield Block(pages_of(page, last), text)
            page, text = number, line.text
        else:
            text = _continued(text, above, line, usual)
        last, above = number, line
    yield Block(pages_of(page, last), text)


def _ends(above: Line, line: Line, usual: _Text) -> bool:
    """True if a paragraph ends between these lines; across columns and pages, with the sentence."""
    step = (above.y - line.y) / line.size
    if " | " in above.text and " | " in line.text:
        return False
    if step < 0 or step > 2.5 * usual.leading:
        return bool(re.search(r"[.!?:…|][\"”’)]?\Z", above.text)) or not line.text[:1].islower()
    return step > _LEADING * usual.leading


def _continued(text: str, above: Line, line: Line, usual: _Text) -> str:
    """The text with the next line: a hyphen at the end of a line is mended, short lines stay lines."""
    broken = re.search(r"(\w+)[-\u00ad\u2010]\Z", text[-_LONGEST_WORD:])
    goes_on = re.match(r"[^\W\d_]\w*", line.text[:_LONGEST_WORD])
    if broken and goes_on and goes_on[0][0].islower():
        whole = f"{broken[1]}-{goes_on[0]}".casefold()
        return (text if whole in usual.words else text[:-1]) + line.text
    if (
        _LISTED.match(line.text)
        or " | " in line.text
        or " | " in above.text
        or len(above.text) < _FULL * usual.width
    ):
        return f"{text}\n{line.text}"
    return f"{text} {line.text}"
