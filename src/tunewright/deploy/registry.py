"""The registry: which releases exist, and which of them is the one to serve."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Iterator
from typing import Literal

from pydantic import ValidationError

from tunewright.core.errors import Busy, DeployError, WorkspaceError
from tunewright.core.types import Frozen, Problem, Release
from tunewright.deploy.parity import EVIDENCE, Evidence, objections
from tunewright.runtime import plugins
from tunewright.runtime.workspace import Workspace, atomic_write, damaged

FILE = "registry.json"
LOCK = "registry"
PATIENCE = 100
"""Tries to get the registry, a tenth of a second apart."""

State = Literal["candidate", "champion", "retired"]


class Entry(Frozen):
    """One release and its state."""

    release: str
    checkpoint: str
    state: State = "candidate"
    allowed: bool = False


class Promotion(Frozen):
    """A release became the champion."""

    release: str
    at: dt.datetime
    """In UTC."""
    back: bool = False
    """Whether it had been the champion before and was taken back."""


class Registry(Frozen):
    """Every release that was registered, the newest last."""

    schema_version: int = 1
    entries: tuple[Entry, ...] = ()
    history: tuple[Promotion, ...] = ()
    """Every champion in its turn, the present one last."""

    @property
    def champion(self) -> str | None:
        """Id of the release that is served."""
        return next((entry.release for entry in self.entries if entry.state == "champion"), None)

    def with_champion(self, release: str, *, back: bool = False) -> Registry:
        """The same with another champion; the one before is retired."""
        promotion = Promotion(release=release, at=dt.datetime.now(dt.UTC), back=back)
        entries = tuple(_moved(entry, release) for entry in self.entries)
        return self.model_copy(update={"entries": entries, "history": (*self.history, promotion)})


def read(workspace: Workspace) -> Registry:
    """The registry of the project, empty where none was written."""
    path = workspace.root / FILE
    if not path.exists():
        return Registry()
    try:
        return Registry.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise WorkspaceError(
            "the registry of releases cannot be read",
            where=str(path),
            fix="delete it; the next run registers its release again",
        ) from error


def register(workspace: Workspace, release: Release) -> Registry:
    """Add the release as the newest candidate; one that is known keeps its state."""
    with _held(workspace):
        found = read(workspace)
        entries = found.entries
        known = next((entry for entry in entries if entry.release == release.id), None)
        entry = Entry(
            release=release.id,
            checkpoint=release.checkpoint,
            state=known.state if known else "candidate",
            allowed=release.allowed,
        )
        others = tuple(other for other in entries if other.release != release.id)
        return _written(workspace, found.model_copy(update={"entries": (*others, entry)}))


def promote(workspace: Workspace, release_id: str) -> Registry:
    """Make the release the champion and retire the one before, in one write; raises `DeployError`.

    Only a release that the report allows, whose files are whole and whose parity gate was passed.
    """
    with _held(workspace):
        found = read(workspace)
        release = workspace.find(release_id, Release)
        known = tuple(entry.release for entry in found.entries)
        if release is None or release_id not in known:
            raise DeployError(problems=[plugins.unknown(release_id, known, where="promote", noun="release")])
        problems = tuple(obstacles(release))
        if problems:
            raise DeployError(problems=problems)
        return found if found.champion == release_id else _written(workspace, found.with_champion(release_id))


def rollback(workspace: Workspace) -> Registry:
    """Make the champion of before the champion again, in one write; raises `DeployError` where there is none.

    The newest of those before that is still whole: the same is asked of it as of any that is promoted.
    """
    with _held(workspace):
        found = read(workspace)
        before = [one.release for one in reversed(found.history) if one.release != found.champion]
        problems = list[Problem]()
        for release_id in dict.fromkeys(before):
            release = workspace.find(release_id, Release)
            refused = tuple(obstacles(release)) if release else (_gone(release_id),)
            if not refused:
                return _written(workspace, found.with_champion(release_id, back=True))
            problems += refused
    if problems:
        raise DeployError(problems=problems)
    raise DeployError(
        "no release was the champion before", where="rollback", fix="`tunewright promote` makes one"
    )


def _gone(release_id: str) -> Problem:
    return Problem(where=release_id, what="this release is gone", fix="promote another")


def _written(workspace: Workspace, registry: Registry) -> Registry:
    atomic_write(workspace.root / FILE, registry.model_dump_json(indent=1).encode())
    return registry


def obstacles(release: Release) -> Iterator[Problem]:
    """Why the release cannot be promoted."""
    again = "run again: `tunewright run` packs it anew and asks it"
    for reason in release.reasons if not release.allowed else ():
        yield Problem(
            where=release.id, what=f"the report does not allow it: {reason}", fix="see `tunewright show`"
        )
    path = release.path / EVIDENCE
    try:
        found = Evidence.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        yield Problem(where=str(path), what="the release has no passed parity gate", fix=again)
        return
    yield from objections(found)
    if found.parities != release.parity:
        what = "the release says something else of its parity gate than the evidence beside it"
        yield Problem(where=str(path), what=what, fix=again)
    yield from damaged(release.path)


def _moved(entry: Entry, champion: str) -> Entry:
    if entry.release == champion:
        return entry.model_copy(update={"state": "champion"})
    return entry.model_copy(update={"state": "retired"}) if entry.state == "champion" else entry


def current(workspace: Workspace) -> Release | None:
    """The release to serve: the champion, else the newest allowed one, else the newest of all."""
    entries = [entry for entry in read(workspace).entries if entry.state != "retired"]
    ranks = enumerate(entries)
    best = sorted(ranks, key=lambda ranked: (ranked[1].state == "champion", ranked[1].allowed, ranked[0]))
    found = (workspace.find(entry.release, Release) for _, entry in reversed(best))
    return next((release for release in found if release is not None), None)


@contextlib.contextmanager
def _held(workspace: Workspace) -> Iterator[None]:
    """Hold the registry; another run has it for a moment only."""
    with contextlib.ExitStack() as stack:
        for attempt in range(PATIENCE):
            try:
                stack.enter_context(workspace.lock(LOCK))
                break
            except Busy:
                if attempt == PATIENCE - 1:
                    raise
                time.sleep(0.1)
        yield
