"""The port of the stage: a form that a checkpoint is packed in."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

from tunewright.core.types import Checkpoint
from tunewright.runtime.settings import Settings


class Export(Protocol):
    """A plug-in of the group `exports`: its fields are its options."""

    merges: ClassVar[bool]
    """Whether the packed form is a whole model; else an adapter that needs its base."""

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write the checkpoint in this form into the empty `folder`; raises `DeployError`."""
        ...
