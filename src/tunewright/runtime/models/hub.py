"""Models of a hub: asked only for names that begin with `hub:`, and only for what is no code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint
from tunewright.runtime import events
from tunewright.runtime.events import Emit
from tunewright.runtime.lazy import require
from tunewright.runtime.models.local import describe, local_checkpoint
from tunewright.runtime.settings import Settings

PREFIX = "hub:"
WANTED = ("*.safetensors", "*.json", "*.jinja")
"""No pickles and no Python files."""
UNWANTED = ("*/*", "consolidated*")
"""Other formats of the same weights lie in folders of their own, or under this name."""


def split_name(name: str) -> tuple[str, str | None]:
    """`hub:ORG/NAME@REVISION` as repository and revision; raises `ModelError`."""
    found = re.fullmatch(r"hub:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", name)
    if found is None:
        raise ModelError(
            f"`{name}` is no name of a model on a hub",
            where="model",
            fix="write `hub:ORG/NAME` or `hub:ORG/NAME@REVISION`",
        )
    return found[1], found[2]


def from_hub(name: str, settings: Settings, emit: Emit, *, licence: str = "") -> Checkpoint:
    """Fetch what is missing of a model and check it; raises `ModelError`. `licence` is as known."""
    repository, revision = split_name(name)
    if not settings.offline:
        emit(events.event("note", "model", f"asking the hub for {repository}"))
    folder = _snapshot(repository, revision, settings)
    named = {"name": PREFIX + repository, "revision": folder.name, "licence": licence}
    ref = describe(folder, **named) if _has_config(folder) else None
    return local_checkpoint(folder, ref)


def _snapshot(repository: str, revision: str | None, settings: Settings) -> Path:
    hub = require("huggingface_hub", extra="train")
    broken = require("httpx", extra="train").HTTPError
    require("huggingface_hub.utils", extra="train").disable_progress_bars()
    try:
        folder: Any = hub.snapshot_download(
            repository,
            revision=revision,
            cache_dir=settings.cache / "hub",
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
            local_files_only=settings.offline,
        )
    except (OSError, ValueError, broken) as error:
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"the hub did not give `{repository}`: {told[0]}",
            where=PREFIX + repository + (f"@{revision}" if revision else ""),
            fix="look at the name, the network and, for a gated model, your hub login; then try again"
            if not settings.offline
            else "unset `TUNEWRIGHT_OFFLINE` to fetch it",
        ) from error
    return Path(folder)


def _has_config(folder: Path) -> bool:
    """Whether there is anything to describe; what is missing is told by the check of the folder."""
    return any(folder.glob("*.safetensors")) and (folder / "config.json").exists()
