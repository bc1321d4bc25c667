"""From a folder to a model in memory, every one of its weights from the files, and in what format; heavy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from tunewright.core.errors import ModelError

_FIX = "take config and weights of the same model, or fetch them again"


def open_model(
    folder: Path, dtype: torch.dtype, *, kind: Any = AutoModelForCausalLM, new: str = "", **how: Any
) -> Any:
    """The model of that folder; raises `ModelError` where weights are missing or of other shapes.

    transformers itself draws what is missing by chance. Only weights whose name begins with `new` may be.
    """
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # what it would print is told below
    try:
        model, told = kind.from_pretrained(
            folder,
            dtype=dtype,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **how,
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"the weights cannot be loaded: {first}", where=str(folder), fix=_FIX) from error
    finally:
        logging.set_verbosity(before)
    _refuse_others(told, folder, new)
    return model


def computes_bf16() -> bool:
    """Whether this machine computes in bfloat16; a GPU that only imitates it does not."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _refuse_others(told: Mapping[str, Any], folder: Path, new: str) -> None:
    missing = sorted(name for name in told["missing_keys"] if not new or not name.startswith(new))
    if missing:
        what = f"{len(missing)} weights of the model are missing, first `{missing[0]}`"
        raise ModelError(what, where=str(folder), fix=_FIX)
    other = sorted(tuple(one) for one in told["mismatched_keys"])
    if other:
        name, found, wanted = other[0]
        what = f"{len(other)} weights have another shape than the config says, first `{name}`"
        raise ModelError(f"{what}: {list(found)}, not {list(wanted)}", where=str(folder), fix=_FIX)
