"""Which source reads a file, by its suffix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.data.ports import Source
from tunewright.runtime import plugins
from tunewright.runtime.lines import COMPRESSED, kind_of

SUFFIXES = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), "jsonl"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "arrow"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsb", ".ods"), "excel"),
    **dict.fromkeys((".eml", ".mbox"), "mail"),
    **dict.fromkeys((".pdf", ".docx", ".html", ".htm", ".xhtml"), "documents"),
    **dict.fromkeys((".md", ".markdown", ".txt", ".text", ".rst"), "documents"),
}

FOLDERS = ("mail", "documents")
"""Plug-ins that read a folder themselves, where it has no tables; the first that has files in it."""

_TEXTS = ("jsonl", "csv")


def kind(name: str) -> str | None:
    """The plug-in that reads a file of that name; None where no suffix tells, or it is packed but no text."""
    found = SUFFIXES.get(kind_of(name))
    packed = name.lower().endswith(COMPRESSED)
    return found if found in _TEXTS or not packed else None


def below(folder: Path, pattern: str, *kinds: str) -> tuple[Path, ...]:
    """The files of those kinds below a folder, sorted by name, hidden ones left out.

    A file is itself; so is a folder that is not there, or has no such file.
    """
    if not folder.is_dir():
        return (folder,)
    found = (path for path in sorted(folder.glob(pattern)) if path.is_file())
    return tuple(path for path in found if kind(path.name) in kinds and not path.name.startswith(".")) or (
        folder,
    )


def inner(path: str, options: Mapping[str, Any]) -> Source:
    """The source that reads a table or a folder, for one that makes something else of its rows."""
    suffixed = kind(path) or "folder"
    given = {"path": path, **({"options": dict(options)} if suffixed == "folder" else options)}
    source: Source = plugins.make("sources", plugins.Named(name=suffixed, options=given))
    return source
