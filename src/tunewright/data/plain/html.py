"""HTML to plain text by the parser of the standard library."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

BLOCKS = frozenset(
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
KNOWN = BLOCKS | _INLINE | _UNSEEN
_TAG = re.compile(rf"</?(?:{'|'.join(sorted(KNOWN))})(?:\s[^<>]*)?/?>|<!--|<!doctype[^<>]*>", re.I | re.S)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,7}|#x[0-9a-f]{1,6});", re.I)
_SECTION = re.compile(r"<!\[[^<>]*>")
"""`<![if !supportLists]>` and the like, which mail programs write."""

_NEVER_ENDED = 500
"""Tags; fewer are a slip of a hand, or signs of `less than`."""

_LINK = re.compile(r"(?:https?|mailto|ftp):", re.I)


def plain(text: str, addresses: bool, unseen: frozenset[str] = frozenset()) -> str:
    """The text that a reader of the page sees, without `unseen` tags; a text without HTML as it is.

    `x < 5` and `List<String>` are no HTML: a tag that HTML does not know stays.
    """
    if not _TAG.search(text):
        return unescape(text) if _ENTITY.search(text) else text
    reader = Reader(addresses, unseen)
    try:
        reader.read(_SECTION.sub("", text))
    except ValueError:
        return text
    return tidy("".join(reader.out))


class Reader(HTMLParser):
    """Collects what is seen; white space as a browser would show it, but in `pre`."""

    def __init__(self, addresses: bool, unseen: frozenset[str] = frozenset()) -> None:
        super().__init__(convert_charrefs=True)
        self._hidden = _UNSEEN | unseen
        self.out: list[str] = []
        self._addresses = addresses
        self._unseen = 0
        self._pre = 0
        self._links: list[str] = []

    def read(self, text: str) -> None:
        """Read a whole page; raises `ValueError` where it cannot be.

        The parser takes time in the square of tags that never end, so those are refused, and comments,
        which it is slow with, too, are taken out before, but for their line ends.
        """
        text = _without_comments(text)
        if text.count("<") - text.count(">") > _NEVER_ENDED:
            raise ValueError("its tags never end")
        try:
            self.feed(text)
            self.close()
        except AssertionError as error:  # what the parser says of declarations that nobody knows
            raise ValueError(str(error)) from error

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A line where a block begins; marks of lists and cells; what HTML does not know as it is."""
        if tag not in KNOWN:
            self._say(self.get_starttag_text() or "")
            return
        self._depth(tag, 1)
        if tag in BLOCKS or tag == "br":
            self.out.append("\n")
        values = dict(attrs)
        if tag == "a":
            self._links.append(values.get("href") or "")
        self._say({"li": "- ", "td": " ", "th": " ", "img": values.get("alt") or ""}.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        """A line where a block ends; the address behind a link if it is wanted."""
        if tag not in KNOWN:
            self._say(f"</{tag}>")
            return
        if tag not in _VOID:
            self._depth(tag, -1)
        if tag in BLOCKS - _ROWS:
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
        if tag in self._hidden:
            self._unseen = max(0, self._unseen + step)
        if tag == "pre":
            self._pre = max(0, self._pre + step)


def _without_comments(text: str) -> str:
    """The text without `<!-- … -->`; one that never ends goes to the end of the page."""
    first, *rest = text.split("<!--")
    parts = [first]
    for part in rest:
        inside, end, after = part.partition("-->")
        parts += ["\n" * inside.count("\n"), after] if end else ["\n" * part.count("\n")]
    return "".join(parts)


def tidy(text: str) -> str:
    """At most one empty line, no white space at the end of a line."""
    text = re.sub(r"[ \t\xa0]+\n", "\n", text.replace("\xa0", " "))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
