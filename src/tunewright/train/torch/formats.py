"""Number formats: that of frozen weights on this machine."""

from __future__ import annotations

import torch

from tunewright.core.errors import TrainError
from tunewright.runtime.models.opening import computes_bf16


def frozen_format(precision: str) -> torch.dtype:
    """The number format of that name: `bf16`, `fp32`, or for `auto` bf16 where the machine computes in it.

    Raises `TrainError` for bf16 where it does not.
    """
    able = computes_bf16()
    if precision == "bf16" and not able:
        raise TrainError(
            "this machine does not compute in bf16", where="train.backend", fix="set `train.backend: local`"
        )
    return torch.bfloat16 if able and precision != "fp32" else torch.float32
