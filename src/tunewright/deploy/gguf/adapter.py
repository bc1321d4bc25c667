"""A LoRA adapter as a GGUF file that llama.cpp puts on a base; heavy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.torch import load_file

from tunewright.core.errors import DeployError
from tunewright.deploy.gguf import name_of, sizes, tensors
from tunewright.deploy.gguf.tensors import Values, Weight
from tunewright.deploy.gguf.write import opened, put
from tunewright.runtime import adapters
from tunewright.runtime.models.files import read_object

_NAME = re.compile(r"base_model\.model\.(.+)\.lora_(A|B)\.weight")


def write(adapter: Path, config: Mapping[str, Any], file: Path) -> None:
    """Write the adapter for a base of that config; raises `DeployError` for what GGUF cannot carry.

    llama.cpp scales a change by alpha over its rank. Whatever else scales it is put into the weights.
    """
    told = read_object(adapter / adapters.CONFIG)
    with opened(file, sizes.architecture(config)) as writer:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(told["lora_alpha"]))
        found = list(_weights(adapter, told, config))
        put(writer, [(weight, gguf.GGMLQuantizationType.F32) for weight in found])


def _weights(adapter: Path, told: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[Weight]:
    for name, weight in sorted(load_file(adapter / adapters.WEIGHTS).items()):
        found = _NAME.fullmatch(name)
        place = name_of(found[1]) if found else None
        tied = place == "output" and config.get("tie_word_embeddings")
        if found is None or place is None or tied:
            raise DeployError(
                f"llama.cpp has no place for the adapter's weight `{name}`",
                where=str(adapter / adapters.WEIGHTS),
                fix="set `deploy.export: gguf`, which merges it",
            )
        values = weight.float().numpy()
        if found[2] == "B":
            heads = tensors.heads_of(found[1], config)
            values = values * np.float32(_factor(found[1], values.shape[1], told))
            values = values if heads is None else tensors.paired(values, heads)
        yield Weight(f"{place}.weight.lora_{found[2].lower()}", values.shape, _kept(values))


def _kept(values: Values) -> Callable[[], Values]:
    return lambda: np.ascontiguousarray(values)


def _factor(module: str, rank: int, told: Mapping[str, Any]) -> float:
    """What PEFT scales the change of this module by, over what llama.cpp does."""
    alpha = float(_of_module(module, told.get("alpha_pattern"), told["lora_alpha"]))
    own = alpha / rank**0.5 if told.get("use_rslora") else alpha / rank
    return own / (float(told["lora_alpha"]) / rank)


def _of_module(module: str, patterns: Mapping[str, Any] | None, default: Any) -> Any:  # noqa: ANN401
    matching = (value for key, value in (patterns or {}).items() if re.match(rf"(.*\.)?({key})$", module))
    return next(matching, default)
