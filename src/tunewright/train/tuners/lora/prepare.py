"""Put LoRA layers into a model with PEFT."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, get_peft_model

if TYPE_CHECKING:
    from tunewright.train.tuners.lora import Lora


def prepare(tuner: Lora, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
    """The PEFT model, its first weights decided by the seed."""
    torch.manual_seed(seed)
    config = LoraConfig(
        r=tuner.r,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        target_modules=list(tuner.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)
