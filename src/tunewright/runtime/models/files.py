"""The files of a model folder, read without loading a weight."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tunewright.runtime.chat import TEMPLATE, TOKENIZER_SETTINGS

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
"""Says which shard holds which weight."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, in order."""
    return sorted(folder.glob("*.safetensors"))


def template(folder: Path) -> str:
    """The chat template as text; empty where there is none that can be read."""
    path = folder / TEMPLATE
    try:
        if path.exists():
            return path.read_text(encoding="utf-8")
        found = read_object(folder / TOKENIZER_SETTINGS).get("chat_template")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is no file; raises `ValueError`."""
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError(f"{path.name} is nested without end") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path.name} holds no object")  # noqa: TRY004 - one kind of error for bad JSON
    return value


def shapes(folder: Path) -> dict[str, tuple[int, int]]:
    """Shape, (out, in), of every matrix of the model, by the name of its layer; only headers are read."""
    found = (item for path in weight_files(folder) for item in tensors(path).items())
    return {
        name.removesuffix(".weight"): (tensor["shape"][0], tensor["shape"][1])
        for name, tensor in found
        if len(tensor["shape"]) == 2
    }


def stored(folder: Path) -> dict[str, int]:
    """Bytes of the weights in each number format, such as `BF16`; only headers are read."""
    found: dict[str, int] = {}
    for path in weight_files(folder):
        for tensor in tensors(path).values():
            first, last = tensor["data_offsets"]
            found[tensor["dtype"]] = found.get(tensor["dtype"], 0) + last - first
    return found


def parameters(path: Path) -> int:
    """Numbers in a safetensors file, by its header alone; raises `ValueError` if it is not whole."""
    return sum(math.prod(tensor["shape"]) for tensor in tensors(path).values())


def tensors(path: Path) -> dict[str, dict[str, Any]]:
    """The header of a safetensors file; raises `ValueError` if the file is not whole.

    The format: eight bytes of length, little-endian, that much JSON, then the tensors.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("header longer than the file")
        text = file.read(length)
    try:
        header = json.loads(text)
        found = {name: value for name, value in header.items() if name != "__metadata__"}
        end = max((int(tensor["data_offsets"][1]) for tensor in found.values()), default=0)
        sizes = [math.prod(tensor["shape"]) for tensor in found.values() if tensor["dtype"]]
    except (AttributeError, IndexError, KeyError, TypeError, RecursionError):
        raise ValueError("the header is not that of a safetensors file") from None
    if 8 + length + end != path.stat().st_size or any(size < 0 for size in sizes):
        raise ValueError("the file is not as long as its header says")
    return found
