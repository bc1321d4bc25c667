"""A model that lies in a folder: what it must have, what it must not, and what it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.core import digest
from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint, ModelRef, Problem
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS

CONFIG = "config.json"
GENERATION = "generation_config.json"
_CODE = ("auto_map", "_attn_implementation_internal", "custom_pipelines")
"""Keys by which a config makes a library run code or fetch it."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def local_checkpoint(folder: Path, ref: ModelRef | None = None) -> Checkpoint:
    """The checkpoint of the untouched model in `folder`; raises `ModelError` with all that is wrong.

    `ref` is what a catalogue or the hub knows of it; without one, it is named by its path.
    """
    folder = folder.resolve()
    problems = tuple(check(folder))
    if problems:
        raise ModelError(problems=problems)
    found = ref or describe(folder, name=str(folder))
    template = _template(folder)
    content = digest.of_value([found.sha256, digest.of_text(template), _beside(folder)])
    short = re.sub(r"[^a-z0-9.]+", "-", Path(found.name).name.lower()).strip("-") or "model"
    return Checkpoint(
        id=f"base-{short}-{content[:12]}",
        path=folder,
        digest=content,
        base=found,
        template_sha256=digest.of_text(template),
    )


def describe(folder: Path, *, name: str, revision: str = "", licence: str = "") -> ModelRef:
    """Content digest, architecture, parameters and context of the model in `folder`."""
    config = read_object(folder / CONFIG)
    sha256 = weights_sha256(folder)
    return ModelRef(
        name=name,
        revision=revision or sha256[:12],
        sha256=sha256,
        architecture=next(iter(config.get("architectures") or ()), ""),
        parameters=sum(_parameters(path) for path in weight_files(folder)),
        context=int(config.get("max_position_embeddings") or 0),
        licence=licence,
    )


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, in order."""
    return sorted(folder.glob("*.safetensors"))


def weights_sha256(folder: Path) -> str:
    """Digest over the weights: the file's own if there is one, else over the digests of all."""
    found = [digest.of_file(path) for path in weight_files(folder)]
    return found[0] if len(found) == 1 else digest.of_value(found)


def check(folder: Path) -> Iterator[Problem]:
    """Everything that keeps the folder from being used as a model."""
    where = str(folder)
    if (folder / "adapter_config.json").exists():
        yield Problem(
            where=where,
            what="this is an adapter, not a model",
            fix="name its base model, or merge it first with the library that made it",
        )
        return
    yield from _check_weights(folder)
    yield from _check_configs(folder)
    if not (folder / TOKENIZER).exists():
        yield Problem(
            where=where,
            what=f"there is no `{TOKENIZER}`",
            fix="save the tokenizer beside the weights with `tokenizer.save_pretrained(folder)`",
        )
    if not _template(folder):
        yield Problem(
            where=where,
            what="the model has no chat template",
            fix=f"take an instruction-tuned model, or add `{TEMPLATE}`",
        )


def _check_weights(folder: Path) -> Iterator[Problem]:
    files = weight_files(folder)
    if not files:
        pickled = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
        what = f"the weights are pickled (`{pickled[0]}`), which can run code" if pickled else "no weights"
        yield Problem(
            where=str(folder),
            what=what,
            fix="save them as safetensors: `model.save_pretrained(folder)` of a recent transformers does",
        )
    for path in files:
        try:
            _parameters(path)
        except (OSError, ValueError):
            yield Problem(
                where=str(path), what="the weights are cut short or damaged", fix="copy or fetch them again"
            )


def _check_configs(folder: Path) -> Iterator[Problem]:
    if not (folder / CONFIG).exists():
        yield Problem(
            where=str(folder), what=f"there is no `{CONFIG}`", fix="give a folder in the transformers format"
        )
    for name in (CONFIG, TOKENIZER_SETTINGS):
        path = folder / name
        try:
            values = read_object(path)
        except ValueError:
            yield Problem(where=str(path), what="this is not valid JSON", fix="copy or fetch the file again")
            continue
        for key in _CODE:
            if key in values:
                yield Problem(
                    where=f"{path}: {key}",
                    what="the model asks to run code of its own, which is refused",
                    fix="take a model of an architecture that transformers knows",
                )


def _beside(folder: Path) -> dict[str, str]:
    """Digests of the files beside the weights that decide what is read, computed and answered."""
    names = (CONFIG, GENERATION, TOKENIZER, TOKENIZER_SETTINGS)
    return {name: digest.of_file(path) for name in names if (path := folder / name).exists()}


def _template(folder: Path) -> str:
    path = folder / TEMPLATE
    if path.exists():
        return path.read_text(encoding="utf-8")
    try:
        found = read_object(folder / TOKENIZER_SETTINGS).get("chat_template")
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def read_object(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is no file; raises `ValueError`."""
    if not path.exists():
        return {}
    value = json.loads(path.read_bytes())
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


def _parameters(path: Path) -> int:
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
        header = json.loads(file.read(length))
    found = {name: value for name, value in header.items() if name != "__metadata__"}
    end = max((int(tensor["data_offsets"][1]) for tensor in found.values()), default=0)
    if 8 + length + end != path.stat().st_size:
        raise ValueError("the file is not as long as its header says")
    return found
