"""Number formats: that of frozen weights on this machine."""

from __future__ import annotations

import torch

from tunewright.core.errors import TrainError


def frozen_format(precision: str) -> torch.dtype:
    """The number format of that name: `bf16`, `fp32`, or for `auto` bf16 where the machine computes in it.

    Raises `TrainError` for bf16 where it does not.
    """
    cuda = torch.cuda.is_available()
    able = torch.cuda.is_bf16_supported() if cuda else torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if precision == "bf16" and not able:
        raise TrainError(
            "this machine does not compute in bf16", where="train.backend", fix="set `train.backend: local`"
        )
    return torch.bfloat16 if able and precision != "fp32" else torch.float32
