"""Which source reads a file, by its suffix."""

from __future__ import annotations

from tunewright.runtime.lines import COMPRESSED, kind_of

SUFFIXES = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsb", ".ods"), "excel"),
}

_TEXTS = ("jsonl", "csv")


def kind(name: str) -> str | None:
    """The plug-in that reads a file of that name; None where no suffix tells, or it is packed but no text."""
    found = SUFFIXES.get(kind_of(name))
    packed = name.lower().endswith(COMPRESSED)
    return found if found in _TEXTS or not packed else None
