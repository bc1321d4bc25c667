"""From a folder to an adapter on its base model, every one of its weights in its place; heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import Tensor

from tunewright.core.errors import ModelError
from tunewright.runtime import adapters
from tunewright.runtime.adapters.bottleneck import BottleneckModel, open_bottlenecks
from tunewright.runtime.lazy import require

_AGAIN = "bring the file back as it was, or train the checkpoint again"


def put_on(model: Any, folder: Path) -> Any:
    """The base model with the adapter of the folder, nothing of it to be trained; raises `ModelError`.

    A missing or surplus weight, one of another shape and one that is no number are refused by name:
    PEFT itself leaves what is missing as it began, and passes over what it does not know.
    """
    weights = read(folder)
    if (folder / adapters.ROUNDING).exists():
        model = require("tunewright.runtime.adapters.quantised", extra="train").rounded(model, folder)
    try:
        adapted = _opened(model, folder, weights)
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise ModelError(
            f"the adapter does not fit the model: {_first_line(error)}", where=str(folder), fix=_AGAIN
        ) from error
    _refuse_other_names(weights, own(adapted), folder)
    return adapted.requires_grad_(False)


def _opened(model: Any, folder: Path, weights: Mapping[str, Tensor]) -> Any:
    if adapters.kind(folder) != adapters.BOTTLENECK:
        return PeftModel.from_pretrained(model, str(folder))
    opened = open_bottlenecks(model, folder)
    opened.renew(weights)
    return opened


def save(adapted: Any, folder: Path, base_name: str) -> None:
    """Write config and weights of the adapter; `base_name` is what its base model is called everywhere."""
    if isinstance(adapted, BottleneckModel):
        adapted.save_pretrained(folder, base_name)
        return
    for config in adapted.peft_config.values():
        config.base_model_name_or_path = base_name  # a path of this machine would mean nothing elsewhere
    # otherwise PEFT asks the hub for the base model, to see whether its vocabulary was changed
    adapted.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    if getattr(adapted.config, "quantization_config", None) is not None:
        quantised = require("tunewright.runtime.adapters.quantised", extra="train")
        if (rounding := quantised.rounding_of(adapted.get_base_model())) is not None:
            quantised.write(rounding, folder)


def own(adapted: Any) -> dict[str, Tensor]:
    """The adapter's weights by the names that they are saved under."""
    if isinstance(adapted, BottleneckModel):
        return adapted.own()
    found: dict[str, Tensor] = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    return found


def renew(adapted: Any, folder: Path) -> None:
    """Give an adapter the weights of another of its kind; raises `ModelError` where they do not fit.

    A head that rates stays as it is if the other is of a model that says words.
    """
    weights, mine = read(folder), own(adapted)
    heads = {name: value for name, value in mine.items() if "score." in name}
    _refuse_other_names({**heads, **weights}, mine, folder)
    try:
        if isinstance(adapted, BottleneckModel):
            adapted.renew(weights)
        else:
            set_peft_model_state_dict(adapted, {**heads, **weights})
    except RuntimeError as error:
        raise ModelError(
            f"the adapter is of other settings: {_first_line(error)}", where=str(folder), fix=_AGAIN
        ) from error


def read(folder: Path) -> dict[str, Tensor]:
    """The adapter's weights as they were saved; raises `ModelError` where they are not whole."""
    problems = tuple(adapters.check(folder))
    if problems:
        raise ModelError(problems=problems)
    weights = load_file(folder / adapters.WEIGHTS)
    for name, weight in weights.items():
        if not torch.isfinite(weight).all():
            raise ModelError(
                f"`{name}` of the adapter holds numbers that are not finite (NaN or beyond all bounds)",
                where=str(folder / adapters.WEIGHTS),
                fix="train again; `tunewright show` has the losses of this run",
            )
    return weights


def _refuse_other_names(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], folder: Path) -> None:
    missing, surplus = expected.keys() - found.keys(), found.keys() - expected.keys()
    where = str(folder / adapters.WEIGHTS)
    if missing:
        what = f"{len(missing)} weights of the adapter are missing, first `{min(missing)}`"
        raise ModelError(what, where=where, fix=_AGAIN)
    if surplus:
        what = f"{len(surplus)} weights of the adapter belong to no layer of it, first `{min(surplus)}`"
        raise ModelError(what, where=where, fix=_AGAIN)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
