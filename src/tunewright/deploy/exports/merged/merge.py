"""Merge an adapter into its base with PEFT, in float32, whatever it is written in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tunewright.core.errors import DeployError
from tunewright.runtime.adapters.loading import put_on
from tunewright.runtime.models.opening import open_model


def merge(base: Path, adapter: Path | None, folder: Path, dtype: str) -> None:
    """Write base plus adapter as safetensors; raises `DeployError` where values are not finite."""
    model = open_model(base, torch.float32)
    whole = model if adapter is None else _merged(model, adapter)
    whole.to(getattr(torch, dtype)).save_pretrained(folder)


def _merged(model: Any, adapter: Path) -> Any:  # noqa: ANN401 - transformers models
    tuned = put_on(model, adapter)
    try:
        return tuned.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise DeployError(
            f"the adapter cannot be merged: {error}",
            where=str(adapter),
            fix="train again; `tunewright show` has the losses of this run",
        ) from error
