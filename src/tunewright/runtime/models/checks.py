"""Everything that keeps a folder from being used as a model, found without loading a weight."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS
from tunewright.runtime.models.files import (
    CONFIG,
    INDEX,
    PICKLES,
    WEIGHTS,
    parameters,
    read_object,
    template,
    tensors,
    weight_files,
)

_CODE = ("auto_map", "_attn_implementation_internal", "custom_pipelines")
"""Keys by which a config makes a library run code or fetch it."""
_AGAIN = "copy or fetch the file again"
_SHARD = re.compile(r"model-\d+-of-(\d+)\.safetensors")
_SIZES = (
    "hidden_size",
    "vocab_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
)
_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")


def check(folder: Path) -> Iterator[Problem]:
    """Everything that is wrong with the folder, file by file."""
    where = str(folder)
    if (folder / "adapter_config.json").exists():
        yield Problem(
            where=where,
            what="this is an adapter, not a model",
            fix="name its base model, or merge it first with the library that made it",
        )
        return
    damaged = list(_check_weights(folder))
    yield from damaged
    configs = list(_check_configs(folder))
    yield from configs
    yield from _check_tokenizer(folder)
    if not template(folder):
        yield Problem(
            where=where,
            what="the model has no chat template",
            fix=f"take an instruction-tuned model, or add `{TEMPLATE}` as UTF-8 text",
        )
    if not damaged and not configs:
        yield from _check_sizes(folder, read_object(folder / CONFIG))


def _check_weights(folder: Path) -> Iterator[Problem]:
    files = weight_files(folder)
    if not files:
        pickled = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
        yield (
            _pickled(folder / pickled[0])
            if pickled
            else Problem(where=str(folder), what=f"no weights: there is no `{WEIGHTS}`", fix=_AGAIN)
        )
        return
    for path in files:
        try:
            empty = not parameters(path)
        except (OSError, ValueError):
            yield Problem(
                where=str(path), what="the weights are cut short or damaged", fix="copy or fetch them again"
            )
            continue
        if empty:
            yield Problem(where=str(path), what="no weights are in this file", fix=_AGAIN)
    yield from _check_shards(folder, {path.name for path in files})


def _pickled(path: Path) -> Problem:
    return Problem(
        where=str(path),
        what=f"the weights are pickled (`{path.name}`), which can run code, so they are not opened",
        fix="save them as safetensors, on a machine that may run that code: "
        "`model.save_pretrained(folder)` of a recent transformers does",
    )


def _check_shards(folder: Path, found: set[str]) -> Iterator[Problem]:
    """Shards that the index names and that are not there, and shards without an index."""
    if WEIGHTS in found:
        return
    path = folder / INDEX
    if not path.exists():
        shards = sorted(name for name in found if _SHARD.fullmatch(name))
        what = f"there is no `{INDEX}` for {len(shards)} shards" if shards else f"there is no `{WEIGHTS}`"
        fix = _AGAIN if shards else f"call the file of the weights `{WEIGHTS}`"
        yield Problem(where=str(path if shards else folder), what=what, fix=fix)
        return
    try:
        named = read_object(path)["weight_map"]
        wanted = {str(shard) for shard in named.values()}
    except (ValueError, KeyError, AttributeError):
        yield Problem(where=str(path), what="this index names no shards or is not valid JSON", fix=_AGAIN)
        return
    for shard in sorted(wanted - found):
        lost = sum(one == shard for one in named.values())
        what = f"the shard is missing, which holds {lost} of {len(named)} weights by `{INDEX}`"
        yield Problem(where=str(folder / shard), what=what, fix=_AGAIN)
    for shard in sorted(wanted & found):
        lacking = {name for name, one in named.items() if one == shard} - _names(folder / shard)
        if lacking:
            what = f"{len(lacking)} weights that `{INDEX}` names are not in it, first `{min(lacking)}`"
            yield Problem(where=str(folder / shard), what=what, fix=_AGAIN)


def _names(path: Path) -> set[str]:
    """The weights of a file; of a damaged one, which is told of already, none that would be missed."""
    try:
        return set(tensors(path))
    except (OSError, ValueError):
        return set()


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
            yield Problem(where=str(path), what="this is not valid JSON", fix=_AGAIN)
            continue
        for key in _CODE:
            if key in values:
                yield Problem(
                    where=f"{path}: {key}",
                    what="the model asks to run code of its own, which is refused",
                    fix=f"if transformers knows the architecture, take `{key}` out of this file, and its own "
                    "code is run; else take a model of an architecture that it knows",
                )
        if name == CONFIG and path.exists():
            yield from _check_values(path, values)


def _check_values(path: Path, values: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(values.get("model_type"), str):
        yield Problem(where=f"{path}: model_type", what="this names no architecture", fix=_AGAIN)
    for key in _SIZES:
        value = values.get(key)
        if value is not None and (not isinstance(value, int) or value < 1):
            yield Problem(where=f"{path}: {key}", what=f"`{value}` is no size", fix=_AGAIN)


def _check_tokenizer(folder: Path) -> Iterator[Problem]:
    path = folder / TOKENIZER
    if not path.exists():
        yield Problem(
            where=str(folder),
            what=f"there is no `{TOKENIZER}`",
            fix="save the tokenizer beside the weights with `tokenizer.save_pretrained(folder)`",
        )
        return
    try:
        known = "model" in read_object(path)
    except (ValueError, OSError):
        known = False
    if not known:
        yield Problem(where=str(path), what="this is no tokenizer, or it is damaged", fix=_AGAIN)


def _check_sizes(folder: Path, config: Mapping[str, Any]) -> Iterator[Problem]:
    """Weights whose shape or number is not what the config says; the rest is seen when they are loaded."""
    found = {name: one["shape"] for path in weight_files(folder) for name, one in tensors(path).items()}
    where = str(folder / CONFIG)
    fix = "take config and weights of the same model"
    wanted = [config.get("vocab_size"), config.get("hidden_size")]
    for name, shape in found.items():
        if name.endswith("embed_tokens.weight") and all(wanted) and shape != wanted:
            yield Problem(where=where, what=f"`{name}` has the shape {shape}; this says {wanted}", fix=fix)
    layers = {int(match[1]) for name in found if (match := _LAYER.search(name))}
    count = config.get("num_hidden_layers")
    missing = set(range(count)) - layers if layers and count else set()
    if missing:
        what = f"this says {count} layers; {len(missing)} have no weights, first layer {min(missing)}"
        yield Problem(where=where, what=what, fix=fix)
