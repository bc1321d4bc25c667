"""Digests: the names of content."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


def of_bytes(data: bytes) -> str:
    """SHA-256 of the bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def of_text(text: str) -> str:
    """SHA-256 of the text in UTF-8."""
    return of_bytes(text.encode())


def of_value(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of a JSON value, the same for equal values whatever the order of keys."""
    return of_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def of_file(path: Path) -> str:
    """SHA-256 of a file's content, read in blocks."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def of_folder(folder: Path) -> str:
    """SHA-256 over the relative names and contents of every file below the folder."""
    return of_value(of_files(folder))


def of_files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder, by its relative name."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name: of_file(folder / name) for name in names}
