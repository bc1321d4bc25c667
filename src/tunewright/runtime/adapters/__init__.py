"""Adapters in a folder: of what kind they are, whether they are whole, and whether they can be merged."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from tunewright.core.types import Problem
from tunewright.runtime.models.files import PICKLES, read_object, tensors

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
ROUNDING = "quantisation.json"
"""Lies beside an adapter that learned on a quantised base."""
FILES = (CONFIG, WEIGHTS, ROUNDING)
BOTTLENECK = "BOTTLENECK"
"""Our own kind; the others are those of PEFT."""
PROMPT, PREFIX = "PROMPT_TUNING", "PREFIX_TUNING"
_BEFORE = "it is learned tokens that stand before every text, and no change of the base's weights"
APART = {
    BOTTLENECK: "its weights are layers of their own, which no matrix of the base can hold",
    PROMPT: _BEFORE,
    PREFIX: _BEFORE,
}
"""Why a kind cannot be merged into the base's weights."""
_CODE = ("auto_map", "megatron_config")
"""Keys by which a config makes a library import what it names."""


def kind(folder: Path) -> str:
    """The kind of the adapter, as PEFT writes it; empty where the folder has none."""
    return str(read_object(folder / CONFIG).get("peft_type") or "")


def apart(folder: Path) -> str:
    """Why the adapter cannot be merged into its base; empty if it can."""
    return APART.get(kind(folder), "")


def stands_before(folder: Path) -> bool:
    """Whether the adapter is learned tokens that stand before every text."""
    return kind(folder) in (PROMPT, PREFIX)


def check(folder: Path) -> Iterator[Problem]:
    """Everything that keeps the adapter from being loaded, by what its files say of themselves."""
    again = "bring the file back as it was, or train the checkpoint again"
    try:
        config = read_object(folder / CONFIG)
    except ValueError:
        yield Problem(where=str(folder / CONFIG), what="this is not valid JSON", fix=again)
        return
    if not config.get("peft_type"):
        what = "this names no kind of adapter" if config else "there is no adapter: this file is missing"
        yield Problem(where=str(folder / CONFIG), what=what, fix=again)
    for key in _CODE:
        if config.get(key) is not None:
            yield Problem(
                where=f"{folder / CONFIG}: {key}",
                what="the adapter asks to run code of its own, which is refused",
                fix="take an adapter that a known tuner made",
            )
    yield from _check_weights(folder, again)


def _check_weights(folder: Path, again: str) -> Iterator[Problem]:
    path = folder / WEIGHTS
    if not path.exists():
        pickled = sorted(one.name for one in folder.glob("adapter_model*") if one.suffix in PICKLES)
        yield Problem(
            where=str(folder / pickled[0] if pickled else path),
            what=f"the adapter is pickled, which can run code; there is no `{WEIGHTS}`"
            if pickled
            else f"there is no `{WEIGHTS}`",
            fix="save it with `model.save_pretrained(folder, safe_serialization=True)`" if pickled else again,
        )
        return
    try:
        empty = not any(math.prod(one["shape"]) for one in tensors(path).values())
    except (OSError, ValueError, KeyError, TypeError):
        yield Problem(where=str(path), what="the adapter is cut short or damaged", fix=again)
        return
    if empty:
        yield Problem(where=str(path), what="the adapter has no weights", fix=again)
