"""Plain text in Markdown: what people and models wrote is never markup."""

from __future__ import annotations

_ESCAPED = str.maketrans({letter: f"\\{letter}" for letter in "\\`*_[]<>|#"})


def plain(text: str) -> str:
    """The text on one line, with every letter that Markdown or HTML could read escaped."""
    return " ".join(text.split()).translate(_ESCAPED)
