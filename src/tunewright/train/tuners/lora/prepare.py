"""LoRA layers by PEFT."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peft import LoraConfig

from tunewright.train.torch.adapters import put

if TYPE_CHECKING:
    from tunewright.train.tuners.lora import Lora


def prepare(tuner: Lora, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
    """The PEFT model, its first weights decided by the seed."""
    config = LoraConfig(
        r=tuner.r,
        lora_alpha=tuner.alpha,
        lora_dropout=tuner.dropout,
        use_dora=tuner.lengths,
        use_rslora=tuner.rslora,
        target_modules=list(tuner.targets) or "all-linear",
        task_type="CAUSAL_LM",
    )
    return put(config, model, seed, tuner.word)
