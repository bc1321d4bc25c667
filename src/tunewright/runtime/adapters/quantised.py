"""Base models whose frozen weights are quantised while an adapter learns beside them, by bitsandbytes; heavy.

An adapter learns to work with the rounded weights. Wherever it is served or merged, the base is rounded the
same way and its values are used as numbers again, so that what answers is what was trained.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from tunewright.core.errors import ModelError
from tunewright.core.types import Frozen
from tunewright.runtime import adapters
from tunewright.runtime.lazy import require
from tunewright.runtime.models.files import read_object

Bits = Literal[4, 8]
BLOCK = 64
"""Weights that share a scale in 4 bits (Dettmers et al. 2023); the scales are quantised once more."""


class Rounding(Frozen):
    """How the base was rounded, as `quantisation.json` says it."""

    bits: Bits
    format: Literal["bfloat16", "float32"]
    """Number format of the weights before they were rounded."""
    left: tuple[str, ...]
    """Layers that were left as they are."""


def count(weight: Tensor) -> int:
    """Numbers that a weight stands for; of one in 4 bits there lie two in a byte."""
    state = getattr(weight, "quant_state", None)
    return weight.numel() if state is None else math.prod(state.shape)


def loading(bits: Bits, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """What transformers is told, so that the weights are quantised as they are read."""
    require("bitsandbytes", extra="quant")
    kind = require("transformers", extra="train").BitsAndBytesConfig
    how: dict[int, dict[str, Any]] = {
        4: {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": dtype,
        },
        8: {"load_in_8bit": True},
    }
    return {"quantization_config": kind(**how[bits]), "device_map": {"": device}}


def steady(model: Any) -> Any:
    """The model with quantised layers that compute alike in training and between.

    Out of training bitsandbytes 0.50 rounds the inputs of 8-bit layers, too, and packs the weights of 4-bit
    layers anew for the processor, after which they give no gradient.
    """
    for layer in _quantised(model).values():
        layer.train()
        layer.train = lambda mode=True, layer=layer: layer  # noqa: ARG005 - as torch calls it
    return model


def rounding_of(model: Any) -> Rounding | None:
    """How the weights of a model were rounded when it was read; None where they are as they were."""
    config = getattr(model.config, "quantization_config", None)
    found = _quantised(model)
    if config is None or not found:
        return None
    linear = _layers(model, nn.Linear)
    added = (".lora_A.", ".lora_B.")
    return Rounding(
        bits=4 if config.load_in_4bit else 8,
        format="bfloat16" if model.dtype == torch.bfloat16 else "float32",
        left=tuple(sorted(name for name in linear.keys() - found if not any(one in name for one in added))),
    )


def write(rounding: Rounding, folder: Path) -> None:
    """Write it beside the adapter."""
    text = json.dumps(rounding.model_dump(mode="json"), indent=1) + "\n"
    (folder / adapters.ROUNDING).write_text(text, encoding="utf-8")


@torch.no_grad()
def rounded(model: Any, folder: Path) -> Any:
    """The base model with the values that the adapter in the folder learned beside; raises `ModelError`."""
    try:
        how = Rounding.model_validate(read_object(folder / adapters.ROUNDING))
    except ValueError as error:
        raise ModelError(
            "what is said of the base's quantisation is damaged",
            where=str(folder / adapters.ROUNDING),
            fix="bring the file back as it was, or train the checkpoint again",
        ) from error
    for name, part in model.named_modules():
        if isinstance(part, nn.Linear) and name not in how.left:
            part.weight.copy_(_there_and_back(part.weight.to(getattr(torch, how.format)), how.bits))
    return model


def _there_and_back(weight: Tensor, bits: Bits) -> Tensor:
    functional = require("bitsandbytes.functional", extra="quant")
    if bits == 8:
        values, scales, _ = functional.int8_vectorwise_quant(weight.to(torch.float16))
        found: Tensor = functional.int8_vectorwise_dequant(values, scales)
        return found
    values, state = functional.quantize_4bit(
        weight.contiguous(), blocksize=BLOCK, compress_statistics=True, quant_type="nf4"
    )
    back: Tensor = functional.dequantize_4bit(values, state)
    return back


def _quantised(model: Any) -> dict[str, Any]:
    """The layers that bitsandbytes holds, by name."""
    library = require("bitsandbytes", extra="quant")
    return _layers(model, library.nn.Linear4bit) | _layers(model, library.nn.Linear8bitLt)


def _layers(model: Any, kind: type) -> dict[str, Any]:
    """Layers of a kind by the name that they have in the base model."""
    named = ((name.removesuffix(".base_layer"), part) for name, part in model.named_modules())
    return {name: part for name, part in named if isinstance(part, kind)}
