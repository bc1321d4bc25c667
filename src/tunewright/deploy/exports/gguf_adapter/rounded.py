"""The base model with the values that a quantised training saw; heavy."""

from __future__ import annotations

from pathlib import Path

import torch

from tunewright.runtime.lazy import require
from tunewright.runtime.models.opening import open_model


def write(base: Path, adapter: Path, folder: Path) -> None:
    """Write the base to `folder`, rounded as it was while the adapter learned, in plain numbers."""
    quantised = require("tunewright.runtime.adapters.quantised", extra="train")
    quantised.rounded(open_model(base, torch.float32), adapter).save_pretrained(folder)
