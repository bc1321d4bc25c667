"""Bottlenecks put into a model."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tunewright.runtime.adapters.bottleneck import BottleneckConfig, BottleneckModel

if TYPE_CHECKING:
    from tunewright.train.tuners.bottleneck import Bottleneck


def prepare(tuner: Bottleneck, model: Any, seed: int) -> BottleneckModel:  # noqa: ANN401 - a transformers model
    """The model with its bottlenecks, their first weights decided by the seed."""
    torch.manual_seed(seed)
    config = BottleneckConfig(
        size=tuner.size, after=tuner.after, bend=tuner.bend, head=hasattr(model, "score")
    )
    return BottleneckModel(model, config)
