"""HTML by the parser of the standard library: what a reader of the page sees, cut at its blocks."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from tunewright.data.plain.html import BLOCKS, KNOWN, Reader, tidy
from tunewright.data.sources.documents.blocks import Block, File
from tunewright.data.sources.documents.plain import whole
from tunewright.runtime.lines import head

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHOLE = frozenset(["ul", "ol", "dl", "table", "pre"])
"""Blocks that stay together with the blocks inside them."""

_AROUND = frozenset(["nav", "footer", "aside", "svg", "iframe", "object"])
"""What stands around the text of a page."""

_ITEM = re.compile(r"^-[ \t]*\n+", re.M)
"""The mark of a list above a paragraph in it."""

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.I)


def blocks(file: File) -> Iterator[Block]:
    """Headings, paragraphs, lists and tables with the number of the line each begins on."""
    reader = _Page()
    try:
        reader.read(whole(file, _said(file)))
    except ValueError as error:
        file.wrong(f"this HTML cannot be read: {error}", "save the page again from a browser")
    reader.cut()
    yield from reader.found


def _said(file: File) -> str:
    """The encoding that the page names, if Python knows it."""
    found = _CHARSET.search(head(file.path, 4096))
    name = found[1].decode("ascii") if found else ""
    try:
        codecs.lookup(name or "utf-8")
    except LookupError:
        return ""
    return name


class _Page(Reader):
    """Cuts what is seen into blocks."""

    def __init__(self) -> None:
        super().__init__(addresses=False)
        self.found: list[Block] = []
        self._line = 1
        self._inside = 0
        self._around = 0
        self._level = 0
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins, unless it stands inside one that stays together."""
        if tag in _AROUND:
            self._around += 1
        if tag in _HEADINGS or (tag in BLOCKS and not self._inside):
            self.cut()
            self._level = _HEADINGS.get(tag, 0)
        if tag in _WHOLE:
            self._inside += 1
        self._cells = 0 if tag == "tr" else self._cells
        if tag in ("td", "th"):
            self.out += [" | "] * bool(self._cells)
            self._cells += 1
        elif tag in KNOWN:
            super().handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """A block ends."""
        if tag in KNOWN:
            super().handle_endtag(tag)
        if tag in _WHOLE:
            self._inside = max(0, self._inside - 1)
        if tag in _HEADINGS or (tag in BLOCKS and not self._inside):
            self.cut()
        if tag in _AROUND:
            self.out.clear()
            self._around = max(0, self._around - 1)

    def handle_data(self, data: str) -> None:
        """What is seen; a block begins on the line of its first words."""
        if self._around:
            return
        if data.strip() and not any(one.strip() for one in self.out):
            self._line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
        super().handle_data(data if self._pre else self._shown(data))

    def _shown(self, data: str) -> str:
        """White space as a browser shows it."""
        text = re.sub(r"[ \t\r\n\f]+", " ", data)
        last = next((one[-1] for one in reversed(self.out) if one), "\n")
        return text.lstrip() if last in " \n" else text

    def cut(self) -> None:
        """Make a block of what was collected."""
        text = _ITEM.sub("- ", tidy("".join(self.out)))
        if self._level:
            text = " ".join(text.split()).removesuffix("¶").strip()
        if re.search(r"\w", text):
            self.found.append(Block(f"line {self._line}", text, self._level))
        self.out.clear()
        self._level = 0
