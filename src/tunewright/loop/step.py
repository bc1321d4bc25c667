"""One keyed step: the same inputs give the same artifact, which is never made twice."""

from __future__ import annotations

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
            found = self.workspace.find(context.artifact_id, kind)
            if found is not None and not self._stale(found.path):
                context.tell("reused", artifact=found.id)
                return found
            context.stop_if_asked()
            if self._stale(context.folder):
                shutil.rmtree(context.folder)
            context.tell("started")
            made = _make(context, lambda: stage(context, *args, **kwargs))
            context.tell("finished", artifact=made.id)
            return made

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


def _make(context: Context, stage: Callable[[], A]) -> A:
    with writable(context.folder):
        context.folder.mkdir(parents=True, exist_ok=True)
        return context.workspace.publish(stage(), context.folder)
