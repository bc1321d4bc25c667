"""The sizes of a model as GGUF says them; heavy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tunewright.deploy.gguf import ARCHITECTURES, context_of, rope_of


def add(writer: Any, config: Mapping[str, Any], vocabulary: int) -> None:  # noqa: ANN401 - a `gguf.GGUFWriter`
    """Write the sizes."""
    heads = int(config["num_attention_heads"])
    width = width_of(config)
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(context_of(config))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_key_length(width)
    writer.add_value_length(width)
    writer.add_rope_dimension_count(width)
    writer.add_layer_norm_rms_eps(float(config["rms_norm_eps"]))
    rope = rope_of(config)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(float(rope["factor"]))


def architecture(config: Mapping[str, Any]) -> str:
    """What llama.cpp calls it."""
    return ARCHITECTURES[str(config["model_type"])]


def width_of(config: Mapping[str, Any]) -> int:
    """Numbers of one head."""
    return int(config.get("head_dim") or int(config["hidden_size"]) // int(config["num_attention_heads"]))


def rope_factors(config: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """What each frequency of the positions is divided by, where the model was stretched as Llama 3.1 was.

    Long waves are stretched by the factor, short ones are left, those between are blended (Llama 3.1's own
    rule: the share of `original_max_position_embeddings` that a wave takes decides).
    """
    rope = rope_of(config)
    if rope["rope_type"] != "llama3":
        return None
    width = width_of(config)
    waves = 2 * math.pi * rope["rope_theta"] ** (np.arange(0, width, 2, dtype=np.float64) / width)
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    turns = float(rope["original_max_position_embeddings"]) / waves
    kept = np.clip((turns - low) / (high - low), 0.0, 1.0)
    factor = float(rope["factor"])
    found: NDArray[np.float32] = (1 / ((1 - kept) / factor + kept)).astype(np.float32)
    return found
