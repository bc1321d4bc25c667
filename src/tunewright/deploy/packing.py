"""Pack a checkpoint in a form: what it cannot carry is refused before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint
from tunewright.deploy import made
from tunewright.deploy.ports import Export
from tunewright.runtime import adapters, models, plugins, workspace
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings


@dataclass(frozen=True)
class Packed:
    """A form that was packed, and what it was packed from."""

    form: str
    checkpoint: Checkpoint
    """The packed form, as an engine opens it."""
    trained: Checkpoint
    engine: str
    rounding: float | None

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.checkpoint.path


def pack(form: Named, checkpoint: Checkpoint, folder: Path, settings: Settings) -> Packed:
    """Write the form into a new folder; raises `DeployError` for damage and for what it cannot carry."""
    damage = tuple(workspace.damaged(checkpoint.path))
    if damage:
        known = () if models.whole(checkpoint) else adapters.check(checkpoint.path)
        raise DeployError(problems=(*known, *damage))
    export: Export = plugins.make("exports", form)
    refused = tuple(export.refuses(made.of_checkpoint(checkpoint, settings)))
    if refused:
        raise DeployError(problems=refused)
    folder.mkdir(parents=True)
    export.pack(checkpoint, folder, settings)
    tuner = None if export.merges else checkpoint.tuner
    packed = checkpoint.model_copy(update={"path": folder, "tuner": tuner})
    return Packed(form.name, packed, checkpoint, export.engine, export.rounding)
