"""Markdown to plain text by markdown-it (CommonMark, tables and strike-through)."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tunewright.runtime.lazy import require

_PLAIN = frozenset(
    ["paragraph_open", "paragraph_close", "inline", "text", "softbreak", "html_inline", "html_block"]
)
_MARKS = re.compile(r"[*_`#\[\]~|\\]|^\s{0,3}(?:[-+>]|\d+[.)]|={3,}|-{3,})(?:\s|$)", re.M)
_ADDRESS = re.compile(r"(?:https?|mailto|ftp):", re.I)


def plain(text: str, addresses: bool) -> str:
    """The words of a Markdown text; a text without marks as it is.

    Lists keep their marks and numbers, code its lines, tables a line for each row.
    """
    if not _MARKS.search(text):
        return text
    tokens = parser().parse(text)
    if not any(_marked(token) for token in tokens):
        return text
    return _Writer(addresses).write(tokens)


@cache
def parser() -> Any:  # noqa: ANN401 - a `markdown_it.MarkdownIt`
    """CommonMark with tables and strike-through; indented text is no code, as people indent anyhow."""
    markdown_it = require("markdown_it", extra="all")
    return (
        markdown_it.MarkdownIt("commonmark", {"html": True})
        .enable(["table", "strikethrough"])
        .disable("code")
    )


def _marked(token: Any) -> bool:  # noqa: ANN401 - a `markdown_it.token.Token`
    return token.type not in _PLAIN or any(_marked(child) for child in token.children or ())


class _Writer:
    """Writes the tokens of a document as lines."""

    def __init__(self, addresses: bool) -> None:
        self._addresses = addresses
        self._lists: list[int | None] = []
        self._mark = ""
        self._blocks: list[tuple[str, bool]] = []
        self._cells: list[str] | None = None

    def write(self, tokens: list[Any]) -> str:
        """The text; blocks are apart by an empty line, items and rows by a line."""
        for token in tokens:
            self._token(token)
        lines: list[str] = []
        for text, tight in self._blocks:
            lines += ([] if tight or not lines else [""]) + [text]
        return "\n".join(lines)

    def _token(self, token: Any) -> None:  # noqa: ANN401 - a `markdown_it.token.Token`
        if token.type in ("inline", "fence", "code_block", "html_block"):
            self._put(self._inline(token.children) if token.type == "inline" else token.content.rstrip("\n"))
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            ordered = token.type == "ordered_list_open"
            self._lists.append(int(token.attrGet("start") or 1) if ordered else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif token.type == "list_item_open":
            self._item(token.markup)
        elif token.type == "tr_open":
            self._cells = []
        elif token.type == "tr_close" and self._cells is not None:
            row, self._cells = " | ".join(self._cells), None
            self._blocks.append((row, bool(self._blocks) and " | " in self._blocks[-1][0]))

    def _item(self, markup: str) -> None:
        number = self._lists[-1]
        self._mark = f"{markup} " if number is None else f"{number}{markup} "
        if number is not None:
            self._lists[-1] = number + 1

    def _put(self, text: str) -> None:
        if self._cells is not None:
            self._cells.append(text)
            return
        indent = "  " * max(0, len(self._lists) - 1)
        tight = (
            bool(self._mark) and bool(self._blocks) and self._blocks[-1][0].lstrip()[:1] in "-*+0123456789"
        )
        self._blocks.append((f"{indent}{self._mark}{text}", tight))
        self._mark = ""

    def _inline(self, children: list[Any]) -> str:
        out: list[str] = []
        address = ""
        for child in children:
            if child.type == "link_open":
                address = str(child.attrGet("href") or "")
            elif child.type == "link_close" and self._addresses and _ADDRESS.match(address):
                out.append(f" ({address})")
            elif child.type in ("softbreak", "hardbreak"):
                out.append("\n")
            elif child.type == "image":
                out.append(self._inline(child.children or []))
            else:
                out.append(child.content)
        return "".join(out)
