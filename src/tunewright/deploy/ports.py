"""The port of the stage: a form that a checkpoint is packed in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tunewright.core.types import Checkpoint
from tunewright.runtime.settings import Settings


class Export(Protocol):
    """A plug-in of the group `exports`: its fields are its options."""

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write the checkpoint in this form into the empty `folder`; raises `DeployError`."""
        ...
