"""Learned tokens before every text: a prompt of embeddings, or a prefix of keys and values; heavy.

Both come to the same where a model answers: keys and values of every layer that all texts attend to, and
positions that begin after them. PEFT forgets the positions of texts that are padded on the left, so it is not
asked for answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from tunewright.core.errors import ModelError
from tunewright.runtime import adapters
from tunewright.runtime.adapters.loading import own, read

Pair = tuple[Tensor, Tensor]
"""Keys and values of one layer, [heads, tokens, width]."""
_LEARNED = "prompt_embeddings"


def learned(model: Any) -> list[Pair] | None:
    """What a model of PEFT attends to before every text; None where it is of another kind."""
    if not is_soft(model):
        return None
    return _pairs(model.get_base_model(), own(model), str(model.active_peft_config.peft_type.value))


def is_soft(model: Any) -> bool:
    """Whether the model is one of PEFT that learns tokens before every text."""
    return hasattr(model, "prompt_encoder") and bool(len(model.prompt_encoder))


def kept(model: Any, folder: Path) -> list[Pair]:
    """What the adapter in the folder puts before every text of the base model; raises `ModelError`."""
    weights = read(folder)
    try:
        return _pairs(model, weights, adapters.kind(folder))
    except (KeyError, RuntimeError) as error:
        raise ModelError(
            "the learned tokens are of another model or of other settings",
            where=str(folder / adapters.WEIGHTS),
            fix="name the model that it was trained on, or train the checkpoint again",
        ) from error


def cache(pairs: Sequence[Pair], rows: int) -> Any:
    """The pairs as transformers' cache of a batch that has read them already."""
    return DynamicCache([tuple(one.expand(rows, *one.shape) for one in pair) for pair in pairs])


@torch.no_grad()
def _pairs(model: Any, weights: Mapping[str, Tensor], kind: str) -> list[Pair]:
    values = weights[_LEARNED].to(device=model.device, dtype=model.dtype)
    return read_prompt(model, values) if kind == adapters.PROMPT else _unfolded(model, values)


@torch.no_grad()
def read_prompt(model: Any, embeddings: Tensor) -> list[Pair]:
    """Keys and values that the model makes of embedded tokens, [tokens, hidden], of every layer."""
    attention = model.config._attn_implementation
    model.set_attn_implementation("sdpa")
    try:
        read_ = model(inputs_embeds=embeddings[None], use_cache=True, logits_to_keep=1).past_key_values
    finally:
        model.set_attn_implementation(attention)
    return [(layer.keys[0], layer.values[0]) for layer in read_.layers]


def _unfolded(model: Any, values: Tensor) -> list[Pair]:
    """From PEFT's form, [tokens, layers · (keys, values) · heads · width]."""
    config = model.config
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    both = values.view(len(values), 2 * config.num_hidden_layers, heads, width).permute(1, 2, 0, 3)
    return [(both[place], both[place + 1]) for place in range(0, len(both), 2)]


def folded(pairs: Sequence[Pair]) -> Tensor:
    """The way back into PEFT's form."""
    both = torch.stack([one for pair in pairs for one in pair])
    return both.permute(2, 0, 1, 3).flatten(1)
