"""HTML to plain text by the parser of the standard library."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "thead",
        "tfoot",
        "tr",
        "ul",
        "body",
        "html",
        "head",
        "title",
    ]
)
_INLINE = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "bdo",
        "big",
        "br",
        "button",
        "cite",
        "code",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "img",
        "input",
        "ins",
        "kbd",
        "label",
        "mark",
        "meta",
        "link",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "td",
        "th",
        "tt",
        "u",
        "var",
        "center",
        "col",
        "colgroup",
        "caption",
        "option",
        "select",
    ]
)
_ROWS = frozenset(["li", "tr", "dt", "dd"])
"""Blocks that follow each other line by line."""

_UNSEEN = frozenset(["head", "script", "style", "template", "noscript"])
_VOID = frozenset(["br", "hr", "img", "input", "meta", "link", "col"])
_KNOWN = _BLOCKS | _INLINE | _UNSEEN
_TAG = re.compile(
    rf"</?(?:{'|'.join(sorted(_KNOWN))})(?:\s[^<>]*)?/?>|<!--.*?-->|<!doctype[^>]*>", re.I | re.S
)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,7}|#x[0-9a-f]{1,6});", re.I)
_SECTION = re.compile(r"<!\[[^<>]*>")
"""`<![if !supportLists]>` and the like, which mail programs write."""

_LINK = re.compile(r"(?:https?|mailto|ftp):", re.I)


def plain(text: str, addresses: bool) -> str:
    """The text that a reader of the page sees; a text without HTML as it is.

    `x < 5` and `List<String>` are no HTML: a tag that HTML does not know stays.
    """
    if not _TAG.search(text):
        return unescape(text) if _ENTITY.search(text) else text
    reader = _Reader(addresses)
    try:
        reader.feed(_SECTION.sub("", text))
        reader.close()
    except AssertionError:  # what the parser says of declarations that nobody knows
        return text
    return _tidy("".join(reader.out))


class _Reader(HTMLParser):
    """Collects what is seen; white space as a browser would show it, but in `pre`."""

    def __init__(self, addresses: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._addresses = addresses
        self._unseen = 0
        self._pre = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A line where a block begins; marks of lists and cells; what HTML does not know as it is."""
        if tag not in _KNOWN:
            self._say(self.get_starttag_text() or "")
            return
        self._depth(tag, 1)
        if tag in _BLOCKS or tag == "br":
            self.out.append("\n")
        values = dict(attrs)
        if tag == "a":
            self._links.append(values.get("href") or "")
        self._say({"li": "- ", "td": " ", "th": " ", "img": values.get("alt") or ""}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        """A line where a block ends; the address behind a link if it is wanted."""
        if tag not in _KNOWN:
            self._say(f"</{tag}>")
            return
        if tag not in _VOID:
            self._depth(tag, -1)
        if tag in _BLOCKS - _ROWS:
            self.out.append("\n")
        address = self._links.pop() if tag == "a" and self._links else ""
        if self._addresses and _LINK.match(address):
            self._say(f" ({address})")

    def handle_data(self, data: str) -> None:
        """What is seen."""
        self._say(data if self._pre or "\n" not in data else re.sub(r"[ \t]*\n[ \t]*", "\n", data))

    def _say(self, text: str) -> None:
        if not self._unseen:
            self.out.append(text)

    def _depth(self, tag: str, step: int) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen + step)
        if tag == "pre":
            self._pre = max(0, self._pre + step)


def _tidy(text: str) -> str:
    """At most one empty line, no white space at the end of a line."""
    text = re.sub(r"[ \t\xa0]+\n", "\n", text.replace("\xa0", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
