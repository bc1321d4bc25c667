"""What people said as a file that `data.sources` reads as it is, or that Label Studio reads."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from tunewright.core.errors import DataError
from tunewright.core.types import Frozen
from tunewright.data.labelling import studio
from tunewright.data.labelling.guide import LABEL
from tunewright.data.labelling.results import most, verdict
from tunewright.runtime.queue import Item
from tunewright.runtime.workspace import atomic_write, writable

_COLUMNS = ("annotators", "state", "note", "source", "group")


class Exported(Frozen):
    """What was written, and what was not."""

    path: Path
    examples: int
    left_out: dict[str, int]
    """Items without an answer that counts, by their state."""


def export(
    items: Sequence[Item], path: Path, question: str, labels: Sequence[str] = (), *, majority: bool = False
) -> Exported:
    """Write `.jsonl` or `.csv` with one example an item that has an answer, or `.json` for Label Studio.

    Who answered and how it stands are columns beside. A dispute that nobody decided is left out, or with
    `majority` written as most said. Label Studio's tasks hold every item, suggestion and answer; the
    labelling interface stands beside them as `.xml`. Raises `DataError`.
    """
    kind = path.suffix.casefold()
    if kind not in (".jsonl", ".csv", ".json"):
        raise DataError(
            f"`{path.name}` says no format",
            where="export",
            fix="end it in .jsonl, .csv, or .json for Label Studio",
        )
    if kind == ".json":
        _write(path, orjson.dumps(studio.tasks(items, question), option=orjson.OPT_INDENT_2))
        _write(path.with_suffix(".xml"), studio.interface(question, labels).encode())
        return Exported(path=path, examples=len(items), left_out={})
    values = {item.id: _value(item, majority=majority) for item in items}
    done = [item for item in items if values[item.id] is not None]
    if not done:
        raise DataError("nobody has answered anything yet", where="export", fix="`tunewright label start`")
    rows = _rows(done, values, question, path)
    _write(path, _csv(rows) if kind == ".csv" else b"".join(orjson.dumps(row) + b"\n" for row in rows))
    left_out = Counter(verdict(item).state for item in items if values[item.id] is None)
    return Exported(path=path, examples=len(done), left_out=dict(left_out))


def _value(item: Item, *, majority: bool) -> str | None:
    found = verdict(item)
    return most(item) if majority and found.state == "disputed" else found.value


def _rows(
    items: Sequence[Item], values: dict[str, str | None], question: str, path: Path
) -> list[dict[str, Any]]:
    """One row an item; as conversations if one of them has more than its question."""
    longer = any(item.payload.get("messages") for item in items)
    if longer and path.suffix.casefold() == ".csv":
        raise DataError(
            "a table has no room for conversations",
            where=path.name,
            fix="export to a file that ends in .jsonl",
        )
    ask, answer = ("text", "label") if question == LABEL else ("prompt", "completion")
    rows = []
    for item in items:
        said = values[item.id] or ""
        if longer:
            turns = item.payload.get("messages") or [{"role": "user", "content": item.payload["text"]}]
            row: dict[str, Any] = {"messages": [*turns, {"role": "assistant", "content": said}]}
        else:
            row = {ask: item.payload["text"], answer: said}
        rows.append({**row, **_beside(item)})
    return rows


def _beside(item: Item) -> dict[str, Any]:
    """Columns beside the example: those that have something in them somewhere are read by name only."""
    people = sorted({answer.annotator for answer in item.answers if answer.value is not None})
    notes = "; ".join(answer.note for answer in item.answers if answer.note)
    found = {
        "annotators": people,
        "state": verdict(item).state,
        "note": notes,
        "source": item.payload.get("source", ""),
        "group": item.payload.get("group"),
    }
    return {name: found[name] for name in _COLUMNS if found[name]}


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows({**row, "annotators": ";".join(row.get("annotators", ()))} for row in rows)
    return out.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    with writable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, content)
