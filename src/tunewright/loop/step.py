"""One keyed step: the same inputs give the same artifact, which is never made twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, get_type_hints

from tunewright.core import digest
from tunewright.core.types import Artifact, Frozen
from tunewright.runtime import plugins
from tunewright.runtime.context import Context
from tunewright.runtime.events import Emit
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace, writable

P = ParamSpec("P")
A = TypeVar("A", bound=Artifact)

SINCE = "since"
"""File of the scratch folder: the moment that the run which began the step was given."""
VERSION = "1"
"""Raised when a change of the product makes earlier artifacts stale."""


@dataclass(frozen=True, kw_only=True)
class Stepper:
    """What all steps of a walk share."""

    project: Path
    workspace: Workspace
    settings: Settings
    seed: int
    emit: Emit
    should_stop: Callable[[], bool]
    since: float = 0.0
    """What was made or begun before this moment, in seconds since 1970, is made anew."""

    def step(
        self,
        name: str,
        stage: Callable[Concatenate[Context, P], A],
        fingerprint: dict[str, str],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> A:
        """Return the artifact of this stage and these inputs, making it if it does not exist."""
        inputs = (*args, *kwargs.values())
        kind = result_of(stage)
        context = self._context(name, key(kind, self.seed, fingerprint, inputs), inputs)
        with self.workspace.lock(context.artifact_id):
            found = self._standing(context, kind)
            if found is not None:
                shutil.rmtree(context.scratch, ignore_errors=True)  # of a process killed right behind
                context.tell("reused", artifact=found.id)
                return found
            context.stop_if_asked()
            if self._begun_before(context):
                for folder in (context.folder, context.scratch):
                    shutil.rmtree(folder, ignore_errors=True)
            context.tell("started", artifact=context.artifact_id)
            made = self._make(context, lambda: stage(context, *args, **kwargs))
            context.tell("finished", artifact=made.id)
            return made

    def known(
        self,
        name: str,
        stage: Callable[Concatenate[Context, P], A],
        fingerprint: dict[str, str],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> bool:
        """Whether `step` would return what is there already."""
        inputs, kind = (*args, *kwargs.values()), result_of(stage)
        context = self._context(name, key(kind, self.seed, fingerprint, inputs), inputs)
        return self._standing(context, kind) is not None

    def _standing(self, context: Context, kind: type[A]) -> A | None:
        found = self.workspace.find(context.artifact_id, kind)
        return None if found is None or self._stale(found.path) else found

    def _make(self, context: Context, stage: Callable[[], A]) -> A:
        with writable(context.folder):
            context.folder.mkdir(parents=True, exist_ok=True)
            marker = context.scratch / SINCE
            if self.since and not marker.exists():
                context.scratch.mkdir(exist_ok=True)
                marker.write_text(str(self.since), encoding="utf-8")
            made = context.workspace.publish(stage(), context.folder)
        if self._stale(made.path):  # the clock was set back meanwhile
            os.utime(made.path, (self.since, self.since))
        shutil.rmtree(context.scratch, ignore_errors=True)
        return made

    def _begun_before(self, context: Context) -> bool:
        """Whether what lies there was begun by a run that does not count any more; no clock is asked."""
        if not self.since or not (context.folder.exists() or context.scratch.exists()):
            return False
        try:
            return float((context.scratch / SINCE).read_text(encoding="utf-8")) < self.since
        except (OSError, ValueError):
            return True

    def _stale(self, folder: Path) -> bool:
        return folder.exists() and folder.stat().st_mtime < self.since

    def _context(self, name: str, artifact_id: str, inputs: tuple[object, ...]) -> Context:
        return Context(
            project=self.project,
            workspace=self.workspace,
            settings=self.settings,
            step=name,
            artifact_id=artifact_id,
            folder=self.workspace.partial / artifact_id,
            parents=tuple(item.id for item in inputs if isinstance(item, Artifact)),
            seed=self.seed,
            since=self.since,
            emit=self.emit,
            should_stop=self.should_stop,
        )


def key(kind: type[Artifact], seed: int, fingerprint: dict[str, str], inputs: tuple[object, ...]) -> str:
    """`<kind>-<digest>` over everything that the artifact depends on."""
    parts = [VERSION, plugins.versions(), kind.__name__, seed, fingerprint, [_plain(item) for item in inputs]]
    return f"{kind.__name__.lower()}-{digest.of_value(parts)[:16]}"


def result_of(stage: Callable[..., A]) -> type[A]:
    """The kind of artifact that a stage returns, as its signature says."""
    kind: type[A] = get_type_hints(stage)["return"]
    return kind


def _plain(item: object) -> object:
    if isinstance(item, Artifact):
        return item.digest
    return item.model_dump(mode="json") if isinstance(item, Frozen) else item
