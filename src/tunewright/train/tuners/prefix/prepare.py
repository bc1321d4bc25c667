"""Learned keys and values by PEFT."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peft import PrefixTuningConfig

from tunewright.runtime.adapters.soft import folded, read_prompt
from tunewright.train.torch.adapters import drawn, put_before

if TYPE_CHECKING:
    from tunewright.train.tuners.prefix import Prefix


def prepare(tuner: Prefix, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
    """The PEFT model; it begins with what the model makes of tokens that are drawn by the seed.

    PEFT begins with random numbers, from which a model says nothing sensible.
    """
    config = PrefixTuningConfig(num_virtual_tokens=tuner.tokens, task_type="CAUSAL_LM")
    return put_before(config, model, folded(read_prompt(model, drawn(model, tuner.tokens, seed))))
