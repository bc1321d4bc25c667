"""PDF by pypdf: the text of each page with where it stands and how large it is."""

from __future__ import annotations

import logging
import math
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from tunewright.data.sources.documents import layout
from tunewright.data.sources.documents.blocks import LARGEST, TEXT, Block, File
from tunewright.data.sources.documents.layout import Line
from tunewright.runtime.lazy import require

_WIDTH, _FIXED_WIDTH = 0.5, 0.6
"""Width of a letter, as a share of its size: pypdf does not tell where a text ends."""

_FIXED = re.compile(r"mono|cour|typewriter|cmtt|consol", re.I)
"""Names of fonts whose letters all have one width."""

_CELL, _DOUBT = 0.9, 0.05
"""Sizes that stand empty between two cells of a table, and how much more for each letter measured."""

_BROKEN = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, AssertionError),
    *(OSError, EOFError, zlib.error, struct.error, MemoryError),
)
"""What comes out of pypdf besides its own errors where a file is not what it says."""


def blocks(file: File) -> Iterator[Block]:
    """Headings and paragraphs by page; an encrypted, damaged or scanned file is told."""
    pypdf = require("pypdf", extra="all")
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it mends is no news to anybody
    if file.path.stat().st_size > LARGEST:
        file.wrong(f"this document has more than {LARGEST >> 20} MiB", "cut it into several")
        return
    broken = (pypdf.errors.PyPdfError, *_BROKEN)
    with file.path.open("rb") as opened:
        try:
            reader = pypdf.PdfReader(opened)
            count = len(reader.pages) if _readable(reader) else -1
        except pypdf.errors.DependencyError:
            count = -1
        except broken as error:
            file.wrong(f"this is no readable PDF: {_said(error)}", "save it again, or get it again")
            return
        if count < 0:
            file.wrong("this document is encrypted", "save a copy of it without a password")
            return
        pages = _pages(file, reader, count, broken)
    _tell_empty(file, pages)
    yield from layout.blocks(pages)


def _readable(reader: Any) -> bool:  # noqa: ANN401 - a `pypdf.PdfReader`
    """True if no password is needed to read it: some only forbid to print or to change."""
    return not reader.is_encrypted or bool(reader.decrypt(""))


def _pages(
    file: File,
    reader: Any,  # noqa: ANN401 - a `pypdf.PdfReader`
    count: int,
    broken: tuple[type[BaseException], ...],
) -> list[list[Line]]:
    pages: list[list[Line]] = []
    size = 0
    for number in range(count):
        found: list[Line] = []
        try:
            found = _lines(reader.pages[number])
        except broken as error:
            what = f"this page cannot be read: {_said(error)}"
            file.wrong(what, "save the document again, or take the page out", f"page {number + 1}")
        size += sum(len(line.text) for line in found)
        if size > TEXT:
            file.wrong(f"this document has more than {TEXT >> 20} Mi characters", "cut it into several")
            return pages
        pages.append(found)
    return pages


def _tell_empty(file: File, pages: Sequence[Sequence[Line]]) -> None:
    empty = [str(number) for number, page in enumerate(pages, 1) if not page]
    fix = "let a program for text recognition (OCR) put a text layer into it"
    if pages and len(empty) == len(pages):
        file.wrong("no page has text: it looks scanned", fix)
    elif empty:
        listing = ", ".join(empty[:10]) + (" …" if len(empty) > 10 else "")
        file.note(f"{len(empty)} of {len(pages)} pages have no text: {listing}", fix)


def _said(error: BaseException) -> str:
    """What a library says, in one short line."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def _lines(page: Any) -> list[Line]:  # noqa: ANN401 - a `pypdf.PageObject`
    """The lines of a page, in the order in which they are written."""
    pieces: list[Line] = []

    def take(text: str, cm: list[float], tm: list[float], font: dict[str, Any] | None, size: float) -> None:
        if text.strip():
            x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
            y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            large = abs(size * math.hypot(tm[2], tm[3]) * math.hypot(cm[2], cm[3])) or 1.0
            name = str((font or {}).get("/BaseFont", ""))
            width = (_FIXED_WIDTH if _FIXED.search(name) else _WIDTH) * large * len(text.rstrip())
            pieces.append(Line(text, x, y, large, "bold" in name.casefold(), x + width))

    page.extract_text(visitor_text=take)
    found: list[Line] = []
    for before, piece in zip([None, *pieces], pieces, strict=False):
        if before and abs(found[-1].y - piece.y) < 0.5 * max(found[-1].size, piece.size):
            found[-1] = _joined(found[-1], piece, len(before.text.strip()))
        else:
            found.append(piece)
    return [one._replace(text=" ".join(one.text.split())) for one in found]


def _joined(line: Line, piece: Line, measured: int) -> Line:
    """A line and what stands further on in it: behind a bar if there is room for a cell between them."""
    room = (piece.x - line.right) / piece.size
    cell = room > _CELL + _DOUBT * measured and re.match(r"\s*\w", piece.text)
    apart = " | " if cell else " " if room > _WIDTH else ""
    larger = max(line, piece, key=lambda one: len(one.text.strip()))
    text = line.text.rstrip() + apart + piece.text if apart else line.text + piece.text
    return Line(text, line.x, line.y, larger.size, line.bold and piece.bold, piece.right)
