"""Rewrite the texts of a batch of examples one by one, and tell every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tunewright.data.ports import Change
from tunewright.runtime import examples

Rewrite = Callable[[str], str | None]
"""The text as it should be; None drops the example."""

_PLAIN = ("text", "rejected")


def rewritten(batch: Any, rewrite: Rewrite, what: str) -> tuple[Any, list[Change]]:  # noqa: ANN401 - Arrow
    """Apply a function to every text of a batch of examples; labels and ids stay as they are.

    A turn of a classification's answer is its label, and stays as it is, too.
    """
    kept: list[dict[str, Any]] = []
    changes: list[Change] = []
    for row in batch.to_pylist():
        new, made = _row(row, rewrite, what)
        changes += made
        if new is not None:
            kept.append(new)
    return (examples.batch_of(kept) if changes else batch), changes


def _row(row: dict[str, Any], rewrite: Rewrite, what: str) -> tuple[dict[str, Any] | None, list[Change]]:
    changes: list[Change] = []
    new = dict(row)
    for part, before, put in _parts(new):
        after = rewrite(before)
        if after is None or not after.strip():
            return None, [Change(source=row["source"], part="example", what=what, before=before)]
        if after != before:
            put(after)
            changes.append(Change(source=row["source"], part=part, what=what, before=before, after=after))
    return new, changes


def _parts(row: dict[str, Any]) -> Iterator[tuple[str, str, Callable[[str], None]]]:
    """Name, text and a way to replace it, of every text of a row."""
    row["messages"] = [dict(turn) for turn in row["messages"] or ()]
    row["references"] = list(row["references"] or ())
    for place, turn in enumerate(row["messages"]):
        if row["label"] is None or turn["role"] != "assistant":
            yield f"messages[{place}]", turn["content"], _putter(turn, "content")
    for name in _PLAIN:
        if row[name]:
            yield name, row[name], _putter(row, name)
    for place, text in enumerate(row["references"]):
        yield f"references[{place}]", text, _putter(row["references"], place)


def _putter(container: Any, key: Any) -> Callable[[str], None]:  # noqa: ANN401 - a dict or a list
    def put(value: str) -> None:
        container[key] = value

    return put
