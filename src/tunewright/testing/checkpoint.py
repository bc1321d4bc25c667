"""A tiny random-weight model that every real library can load, for tests without a download."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.core.types import Checkpoint
from tunewright.runtime.lazy import require
from tunewright.runtime.models.local import local_checkpoint

SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Ids 0, 1 and 2; the last ends a turn and pads, a trap that real models set as well."""

TEMPLATE = """\
{% if messages[0]['role'] != 'system' %}
{{- '<|im_start|>system\\nYou are tiny.<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' ~ message['role'] ~ '\\n' ~ message['content'] ~ '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
"""Puts in a system turn where none is given, and a newline after the token that ends a turn."""

HIDDEN, INTERMEDIATE, LAYERS, HEADS, KEY_HEADS, HEAD_WIDTH = 48, 192, 2, 6, 2, 8


def tiny_model(folder: Path, *, seed: int = 0, context: int = 512) -> Path:
    """Write a Llama of 80,000 random parameters with a byte-level tokenizer; returns the folder.

    The same seed gives the same bytes. Needs neither torch nor transformers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _write_tokenizer(folder, context)
    save = require("safetensors.numpy", extra="train").save_file
    save(dict(_weights(seed, vocabulary)), folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(folder / "config.json", _config(vocabulary, context))
    ends: dict[str, Any] = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2}
    _write_json(folder / "generation_config.json", ends)
    (folder / "chat_template.jinja").write_text(TEMPLATE, encoding="utf-8")
    return folder


def tiny_checkpoint(folder: Path, *, seed: int = 0, context: int = 512) -> Checkpoint:
    """The tiny model as the checkpoint of an untouched base model."""
    return local_checkpoint(tiny_model(folder, seed=seed, context=context))


def _weights(seed: int, vocabulary: int) -> Iterator[tuple[str, Any]]:
    """Weights of a model that is sure of itself.

    Small embeddings let the layers decide instead of the last token; a last norm of 3 spreads the
    logits, so that the best token is clear in any precision.
    """
    numpy = require("numpy", extra="train")
    chance = numpy.random.default_rng(seed)

    def matrix(out: int, into: int) -> Any:  # noqa: ANN401 - a numpy array
        return (chance.standard_normal((out, into)) / into**0.5).astype(numpy.float32)

    ones = numpy.ones(HIDDEN, dtype=numpy.float32)
    yield "model.embed_tokens.weight", matrix(vocabulary, HIDDEN)
    for layer in range(LAYERS):
        start = f"model.layers.{layer}"
        yield f"{start}.self_attn.q_proj.weight", matrix(HEADS * HEAD_WIDTH, HIDDEN)
        yield f"{start}.self_attn.k_proj.weight", matrix(KEY_HEADS * HEAD_WIDTH, HIDDEN)
        yield f"{start}.self_attn.v_proj.weight", matrix(KEY_HEADS * HEAD_WIDTH, HIDDEN)
        yield f"{start}.self_attn.o_proj.weight", matrix(HIDDEN, HEADS * HEAD_WIDTH)
        yield f"{start}.mlp.gate_proj.weight", matrix(INTERMEDIATE, HIDDEN)
        yield f"{start}.mlp.up_proj.weight", matrix(INTERMEDIATE, HIDDEN)
        yield f"{start}.mlp.down_proj.weight", matrix(HIDDEN, INTERMEDIATE)
        yield f"{start}.input_layernorm.weight", ones
        yield f"{start}.post_attention_layernorm.weight", ones.copy()
    yield "model.norm.weight", ones * numpy.float32(3)


def _config(vocabulary: int, context: int) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KEY_HEADS,
        "head_dim": HEAD_WIDTH,
        "hidden_act": "silu",
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
        "rope_theta": 100000.0,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
        "dtype": "float32",
    }


def _write_tokenizer(folder: Path, context: int) -> int:
    """One token a byte, three special ones before them; returns the size of the vocabulary."""
    library = require("tokenizers", extra="train")
    alphabet = sorted(library.pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate([*SPECIAL, *alphabet])}
    tokenizer = library.Tokenizer(library.models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    tokenizer.add_special_tokens([library.AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<|im_start|>",
            "eos_token": "<|im_end|>",
            "pad_token": "<|im_end|>",
            "unk_token": "<|endoftext|>",
            "clean_up_tokenization_spaces": False,
            "model_max_length": context,
        },
    )
    return len(vocabulary)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
