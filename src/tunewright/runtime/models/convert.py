"""From a quantised GGUF file to a folder that transformers reads: plain numbers, tokenizer, template.

Heavy: imported when a model is converted. Reads the file once with the `gguf` package; transformers'
own reader gives the same numbers but takes four times as long and cannot save what it read.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import tokenizers
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tunewright.core.errors import ModelError
from tunewright.runtime.models import gguf as names

Matrix = NDArray[np.float32]


def convert(file: Path, folder: Path) -> None:
    """Write weights in float32, config, tokenizer and template to `folder`; raises `ModelError`.

    float32 holds every dequantised number as it is; bfloat16 would round each by up to 0.4 %.
    """
    try:
        reader = gguf.GGUFReader(file)
        facts = {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, OSError, IndexError) as error:
        raise ModelError("this GGUF file cannot be read", where=str(file), fix="fetch it again") from error
    if facts.get("general.architecture") != "llama":
        raise ModelError(
            f"GGUF files of the architecture `{facts.get('general.architecture')}` are not converted",
            where=str(file),
            fix="take a model that comes as safetensors",
        )
    weights = {_name(tensor.name): _values(tensor, facts) for tensor in reader.tensors}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = _config(facts, tied="lm_head.weight" not in weights)
    _write(folder / "config.json", config)
    ends = {name: config[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write(folder / "generation_config.json", ends)
    _tokenizer(facts).save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", _tokenizer_config(facts))
    (folder / "chat_template.jinja").write_text(facts["tokenizer.chat_template"], encoding="utf-8")


def _name(tensor: str) -> str:
    """The name that transformers gives to a tensor."""
    if (whole := names.WHOLE.get(tensor.removesuffix(".weight"))) is not None:
        return f"{whole}.weight"
    found = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", tensor)
    if found is None or found[2] not in names.IN_LAYER:
        raise ModelError(f"unknown tensor `{tensor}`", fix="take a model that comes as safetensors")
    return f"model.layers.{found[1]}.{names.IN_LAYER[found[2]]}.weight"


def _values(tensor: Any, facts: dict[str, Any]) -> Matrix:  # noqa: ANN401 - a `gguf.ReaderTensor`
    """The tensor in float32, shape (out, in), with the rotary pairs in transformers' order."""
    values = np.ascontiguousarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
    if not np.isfinite(values).all():
        raise ModelError(f"`{tensor.name}` holds numbers that are not finite", fix="fetch the file again")
    heads = {
        "attn_q": int(facts["llama.attention.head_count"]),
        "attn_k": int(facts["llama.attention.head_count_kv"]),
    }
    part = tensor.name.split(".")[-2]
    return _unpaired(values, heads[part]) if part in heads else values


def _unpaired(values: Matrix, heads: int) -> Matrix:
    """Undo GGUF's order, in which the two numbers of a rotary pair lie side by side in a head."""
    pairs = values.reshape(heads, -1, 2, values.shape[1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)


def _config(facts: dict[str, Any], *, tied: bool) -> dict[str, Any]:
    theta = float(facts.get("llama.rope.freq_base", 10000.0))
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(facts["tokenizer.ggml.tokens"]),
        "hidden_size": int(facts["llama.embedding_length"]),
        "intermediate_size": int(facts["llama.feed_forward_length"]),
        "num_hidden_layers": int(facts["llama.block_count"]),
        "num_attention_heads": int(facts["llama.attention.head_count"]),
        "num_key_value_heads": int(facts["llama.attention.head_count_kv"]),
        "head_dim": int(facts["llama.rope.dimension_count"]),
        "hidden_act": "silu",
        "max_position_embeddings": int(facts["llama.context_length"]),
        "rms_norm_eps": float(f"{facts['llama.attention.layer_norm_rms_epsilon']:.6g}"),
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "rope_theta": theta,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": tied,
        "bos_token_id": int(facts["tokenizer.ggml.bos_token_id"]),
        "eos_token_id": int(facts["tokenizer.ggml.eos_token_id"]),
        "pad_token_id": int(facts["tokenizer.ggml.padding_token_id"]),
        "dtype": "float32",
    }


def _tokenizer(facts: dict[str, Any]) -> Any:  # noqa: ANN401 - a `tokenizers.Tokenizer`
    """The byte-level tokenizer of the file, digits kept apart where the model was trained so.

    transformers' GGUF reader forgets the digits, which changes the tokens of a number after spaces. A merge
    into what is no token never happens, and stands in a file where there would be none.
    """
    tokens, kinds = facts["tokenizer.ggml.tokens"], facts["tokenizer.ggml.token_type"]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    pairs = [pair.split(" ", 1) for pair in facts.get("tokenizer.ggml.merges", ())]
    merges = [(left, right) for left, right in pairs if left + right in vocabulary]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = _pre_tokenizer(str(facts.get("tokenizer.ggml.pre", "default")))
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == names.CONTROL]
    tokenizer.add_special_tokens([tokenizers.AddedToken(token, special=True) for token in control])
    return tokenizer


def _pre_tokenizer(kind: str) -> Any:  # noqa: ANN401 - a pre-tokenizer
    parts = tokenizers.pre_tokenizers
    level = parts.ByteLevel(add_prefix_space=False)
    if kind in ("gpt-2", "default"):
        return level
    if kind == "smollm":
        return parts.Sequence([parts.Digits(individual_digits=True), level])
    raise ModelError(f"unknown way to cut words `{kind}`", fix="take a model that comes as safetensors")


def _tokenizer_config(facts: dict[str, Any]) -> dict[str, Any]:
    tokens = facts["tokenizer.ggml.tokens"]
    roles = {"bos_token": "bos", "eos_token": "eos", "pad_token": "padding", "unk_token": "unknown"}
    keys = {role: f"tokenizer.ggml.{key}_token_id" for role, key in roles.items()}
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{role: tokens[int(facts[key])] for role, key in keys.items() if key in facts},
        "clean_up_tokenization_spaces": False,
        "model_max_length": int(facts["llama.context_length"]),
    }


def _write(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
