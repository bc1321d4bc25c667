"""In which number format each weight is written, and the K formats by llama.cpp's own code; heavy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tunewright.core.errors import DeployError
from tunewright.deploy.gguf import Type, native
from tunewright.deploy.gguf.tensors import Values, Weight

Kind = gguf.GGMLQuantizationType
_WIDER = {Kind.Q4_K: Kind.Q5_0, Kind.Q6_K: Kind.Q8_0, Kind.Q8_0: Kind.F16, Kind.Q5_0: Kind.F16}
"""What is taken where the length of a row is no multiple of the block."""


def plan(
    weights: Iterable[Weight], config: Mapping[str, Any], kind: Type
) -> dict[str, gguf.GGMLQuantizationType]:
    """The format of every weight: vectors stay in f32, matrices are written as asked."""
    layers = int(config["num_hidden_layers"])
    tied = bool(config.get("tie_word_embeddings"))
    return {
        weight.name: Kind.F32
        if len(weight.shape) < 2
        else _fitting(_wanted(weight.name, layers, kind, tied=tied), weight)
        for weight in weights
    }


def _wanted(name: str, layers: int, kind: Type, *, tied: bool) -> gguf.GGMLQuantizationType:
    if kind != "q4_k_m":
        return {"f32": Kind.F32, "f16": Kind.F16, "q8_0": Kind.Q8_0}[kind]
    # The recipe called Q4_K_M: 6 bits for what the answer is read from, and for values and last product of
    # the layers where rounding does most harm, which are the first and last eighth and every third between.
    if name == "output.weight" or (name == "token_embd.weight" and tied):
        return Kind.Q6_K
    if name.startswith("blk.") and (".attn_v." in name or ".ffn_down." in name):
        layer, eighth = int(name.split(".")[1]), layers // 8
        if layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2:
            return Kind.Q6_K
    return Kind.Q4_K


def _fitting(kind: gguf.GGMLQuantizationType, weight: Weight) -> gguf.GGMLQuantizationType:
    while weight.shape[-1] % gguf.GGML_QUANT_SIZES[kind][0]:
        kind = _WIDER[kind]
    return kind


def by_llamacpp(values: Values, kind: gguf.GGMLQuantizationType) -> NDArray[np.uint8]:
    """The rows as llama.cpp's own code rounds them; raises `DeployError` where it is not to be had."""
    function = native.quantiser()
    if function is None:
        raise DeployError(problems=[native.refused()])
    block, width = gguf.GGML_QUANT_SIZES[kind]
    rows, columns = values.shape
    found = np.empty((rows, columns // block * width), dtype=np.uint8)
    written = function(int(kind), values.ctypes.data, found.ctypes.data, 0, rows, columns, None)
    if written != found.nbytes:
        raise DeployError(
            f"llama.cpp wrote {written} bytes of {found.nbytes} as {kind.name}", where="deploy.export"
        )
    return found
