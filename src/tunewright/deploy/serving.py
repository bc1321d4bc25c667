"""What a server is told of a packed form that it serves without a project: `serving.json`."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Frozen
from tunewright.runtime import workspace
from tunewright.runtime.plugins import Named

SERVING = "serving.json"


class Serving(Frozen):
    """A packed form, by whom it is answered and what it is asked for by."""

    schema_version: int = 1
    name: str
    checkpoint: Checkpoint
    """Its path is relative to the folder of the file, where it is not absolute."""
    engine: Named


def write(serving: Serving, file: Path) -> None:
    """Write it down; the file appears whole."""
    workspace.atomic_write(file, serving.model_dump_json(indent=1).encode())


def read(file: Path) -> Serving:
    """What a server is told; raises `DeployError`."""
    try:
        found = Serving.model_validate(json.loads(file.read_bytes()))
    except (OSError, ValueError, ValidationError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        fix = "pack it again, or name the file that lies in the packed folder"
        raise DeployError(
            f"this is no description of a packed form: {first}", where=str(file), fix=fix
        ) from error
    path = (file.parent / found.checkpoint.path).resolve()
    return found.model_copy(update={"checkpoint": found.checkpoint.model_copy(update={"path": path})})
