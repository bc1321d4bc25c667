"""Go over the texts of a batch of examples, rewrite or drop, and tell every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from typing import Any, NamedTuple

from tunewright.core.types import Role
from tunewright.data.ports import Change
from tunewright.runtime import examples

Rewrite = Callable[[str], str | None]
"""The text as it should be; None drops the example."""

What = str | Callable[[str], str]
"""What is said of a change, or how to say it of the text before."""

SPEAKERS: tuple[Role, ...] = ("system", "user", "assistant", "tool")
"""Whose turns are rewritten unless the options name fewer."""

_PLAIN = ("text", "rejected")


class Part(NamedTuple):
    """One text of a row."""

    name: str
    """`messages[0]`, `text`, `rejected`, `references[0]`."""
    role: str
    """Who says it; what stands outside the turns is the assistant's."""
    text: str
    put: Callable[[str], None]
    """Replaces it in the row."""


def rewritten(
    batch: Any,  # noqa: ANN401 - a `pyarrow.RecordBatch`
    rewrite: Rewrite,
    what: What,
    roles: tuple[Role, ...] = SPEAKERS,
) -> tuple[Any, list[Change]]:
    """Apply a function to every text of a batch of examples that one of the roles says.

    Labels and ids stay as they are: a turn of a classification's answer is its label, and stays, too. An
    example of which a text would be empty is dropped.
    """
    kept: list[dict[str, Any]] = []
    changes: list[Change] = []
    for row in batch.to_pylist():
        new, made = _row(row, rewrite, what, roles)
        changes += made
        if new is not None:
            kept.append(new)
    return (examples.batch_of(kept) if changes else batch), changes


def sifted(batch: Any, reason: Callable[[dict[str, Any]], str | None]) -> tuple[Any, list[Change]]:  # noqa: ANN401
    """Drop the rows of a batch of examples that there is a reason against."""
    kept: list[dict[str, Any]] = []
    changes: list[Change] = []
    for row in batch.to_pylist():
        why = reason(row)
        if why is None:
            kept.append(row)
        else:
            before = "\n".join(part.text for part in parts(row))
            changes.append(Change(source=row["source"], part="example", what=why, before=before))
    return (examples.batch_of(kept) if changes else batch), changes


def _row(
    row: dict[str, Any], rewrite: Rewrite, what: What, roles: tuple[Role, ...]
) -> tuple[dict[str, Any] | None, list[Change]]:
    changes: list[Change] = []
    new = dict(row)
    for part in parts(new):
        if part.role not in roles:
            continue
        after = rewrite(part.text)
        if after == part.text:
            continue
        said = what if isinstance(what, str) else what(part.text)
        if after is None or not after.strip():
            return None, [Change(source=row["source"], part="example", what=said, before=part.text)]
        part.put(after)
        changes.append(Change(source=row["source"], part=part.name, what=said, before=part.text, after=after))
    return new, changes


def parts(row: dict[str, Any]) -> Iterator[Part]:
    """Every text of a row but its label; replacing one changes this row and no other."""
    row["messages"] = [dict(turn) for turn in row["messages"] or ()]
    row["references"] = list(row["references"] or ())
    for place, turn in enumerate(row["messages"]):
        if row["label"] is None or turn["role"] != "assistant":
            yield Part(f"messages[{place}]", turn["role"], turn["content"], _putter(turn, "content"))
    for name in _PLAIN:
        if row[name]:
            yield Part(name, "assistant", row[name], _putter(row, name))
    for place, text in enumerate(row["references"]):
        yield Part(f"references[{place}]", "assistant", text, _putter(row["references"], place))


def _putter(container: Any, key: Any) -> Callable[[str], None]:  # noqa: ANN401 - a dict or a list
    def put(value: str) -> None:
        container[key] = value

    return put


def counted(found: Sized, noun: str) -> str:
    """`1 answer`, `2 answers`."""
    return f"{len(found):,} {noun}{'' if len(found) == 1 else 's'}"
