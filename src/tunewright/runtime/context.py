"""What a stage is given beside its spec and inputs: where to write, chance, and whom to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from tunewright.core import digest
from tunewright.core.errors import Stopped
from tunewright.core.types import Artifact, EventKind
from tunewright.runtime import events
from tunewright.runtime.events import Emit
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace, seal_files

A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True, kw_only=True)
class Context:
    """One step's surroundings. Time, chance and place are passed in here."""

    project: Path
    """Folder of the spec; relative paths in the spec are relative to it."""
    workspace: Workspace
    settings: Settings
    step: str
    """Name of the step, for events."""
    artifact_id: str
    folder: Path
    """Where this step writes; it becomes the artifact's folder when the step is done, and keeps
    its content when the step is stopped or fails, so that a long step can go on."""
    parents: tuple[str, ...] = ()
    seed: int = 0
    since: float = 0.0
    """What was observed before this moment, in seconds since 1970, is observed anew."""
    emit: Emit = events.ignore
    should_stop: Callable[[], bool] = field(default=lambda: False)

    @property
    def scratch(self) -> Path:
        """Beside the folder: what the step needs to go on, thrown away once its artifact is in its place."""
        return self.folder.with_name(f"{self.folder.name}.scratch")

    def tell(self, kind: EventKind, message: str = "", **data: Any) -> None:  # noqa: ANN401
        """Emit an event of this step."""
        self.emit(events.event(kind, self.step, message, **data))

    def progress(self, done: int, total: int, message: str = "", **data: Any) -> None:  # noqa: ANN401
        """Tell how far the step is, and stop here if somebody asked for it."""
        self.tell("progress", message, done=done, total=total, **data)
        self.stop_if_asked()

    def stop_if_asked(self) -> None:
        """Raise `Stopped` if somebody asked the run to stop."""
        if self.should_stop():
            raise Stopped("the run was stopped", where=self.step, fix="`tunewright resume` goes on from here")

    def seal(self, kind: type[A], **fields: Any) -> A:  # noqa: ANN401
        """The finished artifact over the files written to `folder`, whose digests are kept beside them."""
        files = seal_files(self.folder)
        return kind(
            id=self.artifact_id,
            path=self.folder,
            digest=digest.of_value([digest.of_value(files), _plain(kind, fields)]),
            parents=self.parents,
            seed=self.seed,
            version=metadata.version("tunewright"),
            **fields,
        )

    def cache(self, name: str, key: str) -> Path:
        """A file of the workspace that outlives the step, such as the answers of a candidate."""
        path = self.workspace.cache / name / key
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_mtime < self.since:
            path.unlink()
        return path


def _plain(kind: type[A], fields: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON value
    draft = kind(id="", path=Path(), digest="", **fields)
    return draft.model_dump(mode="json", include=set(fields))
