"""GGUF, the format of llama.cpp: what of a model it can carry. Light; what writes lies beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from tunewright.core.types import Problem
from tunewright.runtime.models import gguf as names

Type = Literal["f16", "f32", "q8_0", "q4_k_m"]
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2"}
"""What llama.cpp calls the architecture that transformers calls so."""
PAIRED = ("llama",)
"""Architectures of llama.cpp in which the two numbers of a rotary pair lie side by side."""
_ROPES = ("default", "linear", "llama3")
_MERGED = "set `deploy.export: merged`, which transformers and vLLM read"
_IN_LAYER = {ours: theirs for theirs, ours in names.IN_LAYER.items()}
_WHOLE = {ours: theirs for theirs, ours in names.WHOLE.items()}
_LAYER = re.compile(r"model\.layers\.(\d+)\.([\w.]+)")


def name_of(module: str) -> str | None:
    """What GGUF calls the weights of a module such as `model.layers.0.self_attn.q_proj`; None of no such."""
    if module in _WHOLE:
        return _WHOLE[module]
    found = _LAYER.fullmatch(module)
    part = _IN_LAYER.get(found[2]) if found else None
    return f"blk.{found[1]}.{part}" if found and part else None


def check(config: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """What of the model llama.cpp would compute in another way, by its config."""
    kind = str(config.get("model_type"))
    if kind not in ARCHITECTURES:
        listing = ", ".join(f"`{one}`" for one in ARCHITECTURES)
        yield Problem(
            where=where,
            what=f"GGUF is not written for models of type `{kind}`",
            fix=f"{_MERGED}; known: {listing}",
        )
        return
    rope = rope_of(config)
    if (said := str(rope.get("rope_type", "default"))) not in _ROPES:
        yield Problem(
            where=where, what=f"GGUF is not written for positions of the kind `{said}`", fix=_MERGED
        )
    if float(rope.get("partial_rotary_factor") or config.get("partial_rotary_factor") or 1) != 1:
        yield Problem(
            where=where, what="only a part of each head is rotated, which GGUF here does not say", fix=_MERGED
        )
    biased = [name for name in ("attention_bias", "mlp_bias") if config.get(name) and kind != "qwen2"]
    if biased:
        yield Problem(where=where, what=f"llama.cpp knows no `{biased[0]}` in this architecture", fix=_MERGED)
    if (said := str(config.get("hidden_act", "silu"))) != "silu":
        yield Problem(
            where=where, what=f"llama.cpp computes `silu` here, and the model `{said}`", fix=_MERGED
        )
    if config.get("use_sliding_window"):
        yield Problem(where=where, what="llama.cpp knows no sliding window in this architecture", fix=_MERGED)


def rope_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """How positions are told, by whichever name this version of the config has for it."""
    found = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    found["rope_type"] = found.get("rope_type") or found.get("type") or "default"
    found["rope_theta"] = float(found.get("rope_theta") or config.get("rope_theta") or 10000.0)
    return found


def context_of(config: Mapping[str, Any]) -> int:
    """Longest conversation that llama.cpp computes as transformers does: no further than a sliding window."""
    longest, window = int(config["max_position_embeddings"]), config.get("sliding_window")
    slides = config.get("model_type") == "mistral"
    return min(longest, int(window)) if window and slides else longest
