"""IA3 scales by PEFT."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peft import IA3Config

from tunewright.train.torch.adapters import put

if TYPE_CHECKING:
    from tunewright.train.tuners.ia3 import Ia3


def prepare(tuner: Ia3, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
    """The PEFT model; the scales begin at one."""
    config = IA3Config(
        target_modules=list(tuner.targets), feedforward_modules=list(tuner.inputs), task_type="CAUSAL_LM"
    )
    return put(config, model, seed, "ia3")
