"""Converted models on disk: whole or absent, made by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tunewright.core import digest
from tunewright.core.types import Frozen, ModelRef
from tunewright.runtime import events
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import atomic_write, sync_tree, writable

MANIFEST = "manifest.json"
LAYOUT = 1
"""Raised when the conversion gives other files; models converted before are then made again."""


class CachedFile(Frozen):
    """A file as it was written."""

    size: int
    mtime_ns: int
    sha256: str


class Manifest(Frozen):
    """What lies in the folder of a converted model."""

    layout: int = LAYOUT
    source_sha256: str
    ref: ModelRef
    files: dict[str, CachedFile]


def read(folder: Path, source_sha256: str) -> Manifest | None:
    """The manifest of a model that is there, whole, and made from that source; else None.

    Sizes are always compared; a file is read again only if its time has changed.
    """
    try:
        manifest = Manifest.model_validate(json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, ValueError, ValidationError):
        return None
    known = manifest.layout == LAYOUT and manifest.source_sha256 == source_sha256
    whole = known and all(_same(folder / name, file) for name, file in manifest.files.items())
    return manifest if whole else None


def publish(made_in: Path, folder: Path, ref: ModelRef, source_sha256: str) -> Manifest:
    """Move a finished model to its place in one rename, its manifest inside it."""
    files = {path.name: _seen(path) for path in sorted(made_in.iterdir()) if path.is_file()}
    manifest = Manifest(source_sha256=source_sha256, ref=ref, files=files)
    atomic_write(made_in / MANIFEST, manifest.model_dump_json(indent=1).encode())
    sync_tree(made_in)
    if folder.exists():
        shutil.rmtree(folder)
    made_in.rename(folder)
    return manifest


@contextlib.contextmanager
def making(folder: Path, emit: Emit) -> Iterator[Path]:
    """An empty folder beside `folder` to work in, held by this process and gone afterwards.

    Another process that makes the same model is waited for.
    """
    work = folder.with_name(f".{folder.name}.partial")
    with writable(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with folder.with_name(f".{folder.name}.lock").open("a+") as lock:
            _wait_for(lock.fileno(), emit)
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)


def _wait_for(handle: int, emit: Emit) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        emit(events.event("note", "model", "another process is making this model; waiting for it"))
        fcntl.flock(handle, fcntl.LOCK_EX)


def _seen(path: Path) -> CachedFile:
    state = path.stat()
    return CachedFile(size=state.st_size, mtime_ns=state.st_mtime_ns, sha256=digest.of_file(path))


def _same(path: Path, file: CachedFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return path.stat().st_mtime_ns == file.mtime_ns or digest.of_file(path) == file.sha256
