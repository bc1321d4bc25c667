"""The project's store of artifacts: atomic writes, locks, publish, look-up."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from tunewright.core import digest
from tunewright.core.errors import Busy, WorkspaceError
from tunewright.core.types import Artifact, Problem

A = TypeVar("A", bound=Artifact)

MANIFEST = "artifact.json"
FILES = "files.json"
"""Digests of an artifact's files, as they were when it was made."""
_RESTORE = "bring the file back as it was, or delete the artifact's folder and run again"


@dataclass(frozen=True)
class Workspace:
    """The folder `.tunewright` of a project."""

    root: Path

    @property
    def artifacts(self) -> Path:
        """Finished artifacts, one folder each."""
        return self.root / "artifacts"

    @property
    def partial(self) -> Path:
        """Artifacts being made; what a stopped step left here is where it goes on."""
        return self.root / "partial"

    @property
    def cache(self) -> Path:
        """What was answered and may be used again, until somebody asks for it `--again`."""
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        """One folder a run: events, process id, spec."""
        return self.root / "runs"

    def folder(self, artifact_id: str) -> Path:
        """Where the artifact lies once it is finished."""
        return self.artifacts / artifact_id

    def find(self, artifact_id: str, kind: type[A]) -> A | None:
        """The finished artifact of that id, or None."""
        manifest = self.folder(artifact_id) / MANIFEST
        return load(manifest.parent, kind) if manifest.exists() else None

    def publish(self, artifact: A, made_in: Path) -> A:
        """Move a finished folder to its place in one rename, its manifest inside it."""
        final = self.folder(artifact.id)
        save(artifact, made_in)
        sync_tree(made_in)
        final.parent.mkdir(parents=True, exist_ok=True)
        old = final.with_name(f".{final.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if final.exists():
            final.rename(old)
        made_in.rename(final)
        shutil.rmtree(old, ignore_errors=True)
        _sync(final.parent)
        return artifact.model_copy(update={"path": final})

    @contextlib.contextmanager
    def lock(self, name: str, what: str = "another run is making this artifact right now") -> Iterator[None]:
        """Hold an artifact while it is made, or anything by a name; raises `Busy` if another process does."""
        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fix = "wait for it (`tunewright resume` follows a run), or end it with `tunewright stop`"
                raise Busy(what, where=name, fix=fix) from None
            yield


_CANNOT = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
)


@contextlib.contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk, or a bad path, into an error that says where and what to do."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise WorkspaceError(
            "a file stands where a folder must be", where=str(folder), fix="choose another folder"
        ) from error
    except OSError as error:
        if error.errno not in _CANNOT and not isinstance(error, shutil.Error):
            raise
        raise WorkspaceError(
            f"cannot write: {error.strerror or error}",
            where=error.filename or str(folder),
            fix="free space or mend the rights; what was finished is kept, `tunewright resume` goes on",
        ) from None


def save(artifact: Artifact, folder: Path) -> None:
    """Write the artifact's manifest into its folder."""
    text = artifact.model_dump_json(indent=1, exclude={"path"})
    atomic_write(folder / MANIFEST, text.encode())


def load(folder: Path, kind: type[A]) -> A:
    """Read the artifact that lies in `folder`; raises `WorkspaceError` if it cannot be read."""
    path = folder / MANIFEST
    try:
        return kind.model_validate({**json.loads(path.read_bytes()), "path": folder})
    except (OSError, ValueError, ValidationError) as error:
        raise WorkspaceError(
            "this artifact cannot be read",
            where=str(path),
            fix="delete its folder; the next run makes it again",
        ) from error


def seal_files(folder: Path) -> dict[str, str]:
    """Digests of the files below the folder, by name, which are kept beside them."""
    (folder / FILES).unlink(missing_ok=True)
    found = {name: one for name, one in digest.of_files(folder).items() if name != MANIFEST}
    atomic_write(folder / FILES, (json.dumps(found, indent=1) + "\n").encode())
    return found


def damaged(folder: Path) -> Iterator[Problem]:
    """Files of an artifact that are no longer as they were sealed."""
    path = folder / FILES
    if not path.exists():
        return
    try:
        sealed = dict(json.loads(path.read_bytes()))
    except ValueError:
        yield Problem(where=str(path), what="the list of the artifact's digests is damaged", fix=_RESTORE)
        return
    for name, found in sealed.items():
        file = folder / name
        if not file.is_file():
            yield Problem(where=str(file), what="a file of the artifact is gone", fix=_RESTORE)
        elif digest.of_file(file) != found:
            what = "the file is not as it was made: its digest is another"
            yield Problem(where=str(file), what=what, fix=_RESTORE)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file that is either old or new after a crash, never half."""
    with appearing(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder; once the block ends well it is `path`, in one rename.

    A file never takes the place of a folder: that raises `WorkspaceError`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    _remove(temporary)
    try:
        yield temporary
        sync_tree(temporary)
        if path.is_dir():
            _refuse_file(temporary, path)
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        _remove(temporary)
    _sync(path.parent)


def _refuse_file(new: Path, path: Path) -> None:
    """Raise `WorkspaceError` where a file would take the place of a folder, with all that is in it."""
    if not new.is_dir():
        raise WorkspaceError(
            "a folder stands where a file must be", where=str(path), fix="name a file that is no folder"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_tree(folder: Path) -> None:
    """Force a file, or every file and folder below a folder, to the disk."""
    for path in (folder, *folder.rglob("*")):
        if path.is_file() or path.is_dir():
            _sync(path)


def _sync(path: Path) -> None:
    """Force a file, or the list of names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
