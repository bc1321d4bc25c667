"""A model folder as one GGUF file, a weight at a time; heavy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tunewright.core.errors import DeployError
from tunewright.deploy.gguf import Type, quantise, sizes, tensors, words
from tunewright.deploy.gguf.tensors import Values, Weight
from tunewright.runtime.chat import Chat
from tunewright.runtime.models.files import CONFIG
from tunewright.runtime.workspace import appearing

_FILE_TYPES = {
    "f32": gguf.LlamaFileType.ALL_F32,
    "f16": gguf.LlamaFileType.MOSTLY_F16,
    "q8_0": gguf.LlamaFileType.MOSTLY_Q8_0,
    "q4_k_m": gguf.LlamaFileType.MOSTLY_Q4_K_M,
}
_LARGEST = float(np.finfo(np.float16).max)


def write(model: Path, words_of: Path, file: Path, kind: Type) -> None:
    """Write the model in folder `model` with the words in folder `words_of`; the file appears whole.

    Raises `DeployError` for what GGUF cannot carry.
    """
    config = json.loads((model / CONFIG).read_bytes())
    found = list(tensors.weights(model, config))
    rows = next(weight.shape[0] for weight in found if weight.name == "token_embd.weight")
    said = words.read(words_of, Chat.load(words_of), rows)
    plan = quantise.plan(found, config, kind)
    with opened(file, sizes.architecture(config)) as writer:
        writer.add_name(str(config.get("_name_or_path") or "tunewright"))
        writer.add_file_type(_FILE_TYPES[kind])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        sizes.add(writer, config, rows)
        words.add(writer, said)
        put(writer, [(weight, plan[weight.name]) for weight in found])


@contextmanager
def opened(file: Path, architecture: str) -> Iterator[Any]:
    """A writer of a file that appears whole or not at all."""
    with appearing(file) as temporary:
        writer = gguf.GGUFWriter(temporary, architecture)
        try:
            yield writer
        finally:
            writer.close()


def put(writer: Any, weights: Sequence[tuple[Weight, gguf.GGMLQuantizationType]]) -> None:  # noqa: ANN401
    """Tell of all tensors, then read and write one after the other."""
    for weight, kind in weights:
        block, width = gguf.GGML_QUANT_SIZES[kind]
        count = int(np.prod(weight.shape)) // block * width
        writer.add_tensor_info(weight.name, weight.shape, np.dtype(np.float32), count, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for weight, kind in weights:
        writer.write_tensor_data(_encoded(weight, kind))


def _encoded(weight: Weight, kind: gguf.GGMLQuantizationType) -> Any:  # noqa: ANN401 - bytes in an array
    values = weight.read()
    if kind == gguf.GGMLQuantizationType.F32:
        return values
    if kind == gguf.GGMLQuantizationType.F16:
        _refuse_large(weight, values)
        return values.astype(np.float16)
    if kind == gguf.GGMLQuantizationType.Q8_0:
        return gguf.quants.quantize(values, kind)
    return quantise.by_llamacpp(values, kind)


def _refuse_large(weight: Weight, values: Values) -> None:
    largest = float(np.abs(values).max(initial=0.0))
    if largest > _LARGEST:
        raise DeployError(
            f"`{weight.name}` holds {largest:.3g}, and f16 ends at {_LARGEST:.0f}",
            where="deploy.export.gguf.type",
            fix="set `deploy.export: {gguf: {type: f32}}`",
        )
