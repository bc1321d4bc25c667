"""What two examples are compared by: the text that is asked."""

from __future__ import annotations

from tunewright.core.types import Example


def question(example: Example) -> str:
    """The turns before the answer without the system message, or the raw text."""
    turns = [message.content for message in example.prompt if message.role != "system"]
    return "\n".join(turns) or example.text or ""
