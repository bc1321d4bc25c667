"""Markdown by markdown-it: blocks as they are written, headings in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunewright.data.plain.markdown import parser
from tunewright.data.sources.documents.blocks import Block, File
from tunewright.data.sources.documents.plain import whole

_FRONT = re.compile(r"\A---\r?\n.*?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S)
"""Metadata in YAML above the text."""

_PICTURE = re.compile(r"\(data:[^)\s]{100,}[^)]*\)")
"""The address of a picture that stands in the text itself."""


def blocks(file: File) -> Iterator[Block]:
    """Headings, and everything else as it is written, with the number of its first line."""
    text = whole(file)
    front = _FRONT.match(text)
    skipped = front[0].count("\n") if front else 0
    lines = text[front.end() if front else 0 :].splitlines()
    tokens = parser().parse("\n".join(lines))
    for token, inner in zip(tokens, [*tokens[1:], None], strict=False):
        if token.level or token.map is None:
            continue
        start, end = token.map
        place = f"line {start + 1 + skipped}"
        if token.type == "heading_open" and inner is not None:
            title = _words(inner.children or [])
            if title:
                yield Block(place, title, int(token.tag[1:]))
        elif token.type not in ("hr", "html_block") or not _comment(lines[start:end]):
            yield Block(place, _PICTURE.sub("()", "\n".join(lines[start:end]).strip("\n")))


def _words(children: list[object]) -> str:
    found = [str(getattr(child, "content", "")) or " " * (_kind(child) == "softbreak") for child in children]
    return " ".join("".join(found).split())


def _kind(child: object) -> str:
    return str(getattr(child, "type", ""))


def _comment(lines: list[str]) -> bool:
    """True for a rule, or a comment that no reader sees."""
    text = "\n".join(lines).strip()
    return not re.search(r"\w", text) or (text.startswith("<!--") and text.endswith("-->"))
