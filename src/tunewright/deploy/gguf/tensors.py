"""The weights of a model folder as GGUF has them: names, order of rotary pairs, one at a time; heavy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from tunewright.core.errors import DeployError
from tunewright.deploy.gguf import PAIRED, name_of, sizes
from tunewright.runtime.models.files import weight_files

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Weight:
    """A weight that is read when it is written."""

    name: str
    shape: tuple[int, ...]
    read: Callable[[], Values]


def weights(folder: Path, config: Mapping[str, Any]) -> Iterator[Weight]:
    """Every weight of the folder, in the order of the files; raises `DeployError` for an unknown one."""
    for path in weight_files(folder):
        with safe_open(path, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
        for name, shape in shapes.items():
            if name == "lm_head.weight" and config.get("tie_word_embeddings"):
                continue
            yield Weight(_gguf_name(name, path), shape, _reader(path, name, config))
    factors = sizes.rope_factors(config)
    if factors is not None:
        yield Weight("rope_freqs.weight", factors.shape, lambda: factors)


def paired(values: Values, heads: int) -> Values:
    """GGUF's order of rows: the two numbers of a rotary pair side by side in a head."""
    halves = values.reshape(heads, 2, -1, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(values.shape)


def heads_of(module: str, config: Mapping[str, Any]) -> int | None:
    """Heads whose rows must be paired in this module; None where rows stay as they are."""
    if sizes.architecture(config) not in PAIRED:
        return None
    heads = int(config["num_attention_heads"])
    if module.endswith("q_proj"):
        return heads
    return int(config.get("num_key_value_heads") or heads) if module.endswith("k_proj") else None


def _gguf_name(name: str, path: Path) -> str:
    module, _, kind = name.rpartition(".")
    found = name_of(module)
    if found is None or kind not in ("weight", "bias"):
        raise DeployError(
            f"GGUF has no place for the weight `{name}`", where=str(path), fix="set `deploy.export: merged`"
        )
    return f"{found}.{kind}"


def _reader(path: Path, name: str, config: Mapping[str, Any]) -> Callable[[], Values]:
    def read() -> Values:
        with safe_open(path, framework="pt") as file:
            values: Values = file.get_tensor(name).to(torch.float32).numpy()
        if not np.isfinite(values).all():
            fix = "train again; `tunewright show` has the losses of this run"
            raise DeployError(f"`{name}` holds numbers that are not finite", where=str(path), fix=fix)
        heads = heads_of(name.rpartition(".")[0], config)
        return np.ascontiguousarray(values) if heads is None else paired(values, heads)

    return read
