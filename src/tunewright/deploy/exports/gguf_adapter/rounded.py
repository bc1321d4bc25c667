"""The base model with the values that a quantised training saw; heavy."""

from __future__ import annotations

from pathlib import Path

import torch

from tunewright.runtime import adapters
from tunewright.runtime.lazy import require
from tunewright.runtime.models.opening import open_model


def write(base: Path, adapter: Path, folder: Path) -> None:
    """Write the base to `folder`, rounded as it was while the adapter learned, in plain numbers."""
    model = open_model(base, torch.float32)
    if (adapter / adapters.ROUNDING).exists():
        quantised = require("tunewright.runtime.adapters.quantised", extra="train")
        model = quantised.rounded(model, adapter)
    model.save_pretrained(folder)
