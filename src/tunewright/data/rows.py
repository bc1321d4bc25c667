"""From the texts of one row to its conversation, for the shapes that are no plain question and answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from tunewright.data import turns
from tunewright.data.turns import FALSE, TRUE, Refused, Turn


class Empty(Exception):
    """A column that is needed has nothing in a row."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.role = role


Cells = dict[str, str | None]
Read = Callable[[Cells], tuple[list[Turn], dict[str, Any]]]


def _conversation(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    found = turns.of_list(_needed(row, "messages"))
    if row.get("system") and found[:1] and found[0][0] != "system":
        found.insert(0, ("system", row["system"] or ""))
    turns.checked(found)
    return found, {}


def _transcript(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    found = turns.of_transcript(_needed(row, "text"))
    turns.checked(found)
    return found, {}


def _marked(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    found = turns.of_markup(_needed(row, "text"))
    turns.checked(found)
    return found, {}


def _text(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    return [], {"text": _needed(row, "text")}


def _preference(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    asked = row.get("prompt") or row.get("instruction")
    if asked and not row.get("prompt") and row.get("input"):
        asked = f"{asked}\n\n{row['input']}"
    found, worse = turns.preferred(asked, _needed(row, "chosen"), _needed(row, "rejected"))
    return _with_system(row, found), {"rejected": worse}


def _desirable(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
    word = _needed(row, "desirable").casefold()
    if word not in (*TRUE, *FALSE):
        raise Refused(
            f"`{word[:40]}` is neither true nor false", "write true for a good answer, false for a bad one"
        )
    answer = _needed(row, "completion")
    found, _ = turns.preferred(_needed(row, "prompt"), answer, answer)
    return _with_system(row, found), {"desirable": word in TRUE}


def _plain(ask: str, answer: str) -> Read:
    def read(row: Cells) -> tuple[list[Turn], dict[str, Any]]:
        asked, said = _needed(row, ask), _needed(row, answer)
        question = f"{asked}\n\n{row['input']}" if ask == "instruction" and row.get("input") else asked
        return _with_system(row, [("user", question), ("assistant", said)]), {}

    return read


READ: dict[str, Read] = {
    "messages": _conversation,
    "sharegpt": _conversation,
    "transcript": _transcript,
    "marked": _marked,
    "text": _text,
    "preference": _preference,
    "desirable": _desirable,
    "label": _plain("text", "label"),
    "completion": _plain("prompt", "completion"),
    "instruction": _plain("instruction", "output"),
}


def _with_system(row: Cells, found: list[Turn]) -> list[Turn]:
    system = row.get("system")
    return [("system", system), *found] if system and found[0][0] != "system" else found


def _needed(row: Cells, role: str) -> str:
    value = row.get(role)
    if value is None:
        raise Empty(role)
    return value


def tags_of(text: str | None) -> list[str]:
    """The tags of a cell: the texts of a JSON list, else the text itself."""
    if text is None:
        return []
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return [text]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else [text]
