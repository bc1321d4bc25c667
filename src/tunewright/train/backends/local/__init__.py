"""This machine, in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from tunewright.runtime.context import Context
from tunewright.runtime.lazy import require
from tunewright.train.ports import Curve, Work


@dataclass(frozen=True, kw_only=True)
class Local:
    """Train on this machine."""

    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Number format of the frozen weights; `auto` is bf16 where the machine computes in it."""
    tokens: Annotated[int, Field(ge=64)] | Literal["auto"] = "auto"
    """Tokens computed at once; a larger step is divided, with the same result. `auto`: as many as fit."""
    memory_gb: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    """Most memory of the run, what is free if left out; what does not fit is computed in smaller parts."""
    answers: Annotated[int, Field(ge=0)] = 0
    """Validation questions that are answered in words at every look, and scored; costs time."""
    save_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 2.0
    """A crash loses at most this much."""
    keep: Annotated[int, Field(ge=1)] = 2
    """Newest checkpoints that stay on the disk while it trains."""
    keep_best: Annotated[int, Field(ge=0)] = 1
    """Checkpoints with the lowest validation loss that stay beside those."""

    def fit(self, work: Work, context: Context) -> Curve:
        """Train, and leave the best adapter in the context's folder."""
        for library in ("torch", "transformers", "peft", "accelerate"):
            require(library, extra="train")
        fit = require("tunewright.train.backends.local.fit", extra="train").fit
        curve: Curve = fit(self, work, context)
        return curve
