"""What a person typed, and what it means: the same for a terminal and a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.data.labelling.guide import LABEL
from tunewright.runtime.measure.labels import normalised

Meaning = Literal["accept", "give", "unsure", "skip", "undo", "guide", "edit", "quit", "unclear"]

COMMANDS: dict[str, Meaning] = {"u": "undo", "s": "skip", "?": "guide", "q": "quit", "!": "unsure"}
_KEYS = "123456789" + "".join(letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in COMMANDS)
_NAMED = 8
"""Labels that an unclear word is answered with."""


@dataclass(frozen=True)
class Typed:
    """A line or key as typed: what to do, with the value or the note."""

    meaning: Meaning
    value: str = ""
    note: str = ""
    """Of `unsure`; of `unclear` what to type instead."""


def keys(labels: Sequence[str]) -> dict[str, str]:
    """One key a label where there are enough of them; empty for more labels, which are typed by name."""
    return dict(zip(_KEYS, labels, strict=False)) if len(labels) <= len(_KEYS) else {}


def interpret(typed: str, question: str, labels: Sequence[str]) -> Typed:
    """The meaning of a line.

    Nothing accepts the suggestion. `u` undoes, `s` skips, `?` shows the guide, `q` quits, `!` with a note
    is unsure; all of them also with a colon before, which written answers need; these have `:e` for an
    editor. A label is given by its key, its number, its name, or as much of the name as no other label has.
    """
    text = typed.strip()
    if not text:
        return Typed("accept")
    bare = text.removeprefix(":")
    command = COMMANDS.get(bare[:1]) if bare[:1] == "!" or len(bare) == 1 else None
    if question == LABEL:
        exact = _exact(text, labels)
        return Typed("give", exact) if exact else _command(command, bare) or _label(text, labels)
    if text == ":e":
        return Typed("edit")
    return (_command(command, bare) if text.startswith(":") else None) or Typed("give", text)


def _command(command: Meaning | None, text: str) -> Typed | None:
    return Typed(command, note=text[1:].strip() if command == "unsure" else "") if command else None


def _exact(text: str, labels: Sequence[str]) -> str | None:
    named = {normalised(label): label for label in labels}
    return named.get(normalised(text))


def _label(text: str, labels: Sequence[str]) -> Typed:
    by_key = keys(labels)
    if text in by_key:
        return Typed("give", by_key[text])
    if text.isdigit() and 1 <= int(text) <= len(labels):
        return Typed("give", labels[int(text) - 1])
    if not labels:
        return Typed("give", text)
    found = _matching(normalised(text), labels)
    if len(found) == 1:
        return Typed("give", found[0])
    if not found:
        return Typed("unclear", note=f"no label has `{text}` in its name; `?` shows the guide")
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Typed("unclear", note=f"`{text}` may be {', '.join(found[:_NAMED])}{more}")


def _matching(text: str, labels: Sequence[str]) -> list[str]:
    """Labels that begin with the text; else those that have each of its words somewhere."""
    words = text.split()
    ways: tuple[Callable[[str], bool], ...] = (
        lambda label: label.startswith(text),
        lambda label: all(word in label for word in words),
    )
    for way in ways:
        if found := [label for label in labels if way(normalised(label))]:
            return found
    return []
