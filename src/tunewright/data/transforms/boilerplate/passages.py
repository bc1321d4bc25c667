"""Cut a text into lines and sentences, and leave some of them out."""

from __future__ import annotations

import re
from collections.abc import Set

_PASSAGE = re.compile(r"\n+|[^\n]+?(?:[.!?…][\"”’)\]]*(?=\s)[ \t]*|(?=\n)|\Z)")


def passages(text: str) -> list[str]:
    """Sentences and line breaks of a text in order, white space included: joined they are the text."""
    return _PASSAGE.findall(text)


def key(passage: str) -> str:
    """What two passages are the same by: their words, in lower case."""
    return " ".join(passage.split()).casefold()


def without(text: str, repeated: Set[str]) -> str:
    """The text without the passages; the text as it is where nothing else would be left."""
    pieces = passages(text)
    kept = [piece for piece in pieces if not (key(piece) and key(piece) in repeated)]
    if len(kept) == len(pieces):
        return text
    left = re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip()
    return left or text
