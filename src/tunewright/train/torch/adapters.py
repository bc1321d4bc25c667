"""Put an adapter of PEFT into a model, its first weights decided by the seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import (
    PeftConfig,
    get_peft_model,
    get_peft_model_state_dict,
    load_peft_weights,
    set_peft_model_state_dict,
)
from safetensors import SafetensorError

from tunewright.core.errors import TrainError


def put(config: PeftConfig, model: Any, seed: int, word: str) -> Any:
    """The PEFT model; raises `TrainError` where the named layers are not in the model.

    `word` is the tuner's word in the spec, for the error.
    """
    torch.manual_seed(seed)
    if hasattr(model, "score"):
        config.task_type = "SEQ_CLS"  # a model that rates: its head is trained and kept, too
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        linear = {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if _is_linear(part)}
        raise TrainError(
            f"the adapter cannot be put into this model: {error}",
            where=f"train.tuner.{word}",
            fix=f"name layers that it has: {', '.join(sorted(linear - {'lm_head'}))}",
        ) from error


def go_on(tuned: Any, folder: Path) -> None:
    """Give a PEFT model the weights of an adapter of the same kind; raises `TrainError`.

    A head that rates stays as it is if the adapter is of a model that says words.
    """
    try:
        own = {name: value for name, value in get_peft_model_state_dict(tuned).items() if ".score." in name}
        found: Any = set_peft_model_state_dict(tuned, {**own, **load_peft_weights(str(folder), device="cpu")})
    except (RuntimeError, OSError, SafetensorError) as error:
        raise _unlike(folder, str(error).splitlines()[0]) from error
    if found.unexpected_keys:
        raise _unlike(folder, f"there is no `{found.unexpected_keys[0]}`")


def _unlike(folder: Path, why: str) -> TrainError:
    return TrainError(
        f"the adapter to go on from does not fit the tuner: {why}",
        where=str(folder),
        fix="go on with the tuner and the settings that it was made with",
    )


def _is_linear(part: object) -> bool:
    return isinstance(part, torch.nn.Linear)
