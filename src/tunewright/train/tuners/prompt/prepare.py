"""Learned embeddings by PEFT."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peft import PromptTuningConfig

from tunewright.train.torch.adapters import drawn, put_before

if TYPE_CHECKING:
    from tunewright.train.tuners.prompt import Prompt


def prepare(tuner: Prompt, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
    """The PEFT model; it begins with tokens of the vocabulary, drawn by the seed."""
    config = PromptTuningConfig(num_virtual_tokens=tuner.tokens, task_type="CAUSAL_LM")
    return put_before(config, model, drawn(model, tuner.tokens, seed))
