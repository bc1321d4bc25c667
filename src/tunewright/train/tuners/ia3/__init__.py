"""IA3: one learned scale for each key, value and inner activation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Ia3:
    """Train a scale of keys, values and inner activations (Liu et al. 2022): few weights, high rates."""

    targets: tuple[str, ...] = ("k_proj", "v_proj", "down_proj")
    """Layers that are scaled."""
    inputs: tuple[str, ...] = ("down_proj",)
    """Those of them whose input is scaled, not the output."""

    whole: ClassVar[bool] = False
    apart: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuse inputs that are no targets."""
        outside = set(self.inputs) - set(self.targets)
        if outside:
            raise ValueError(f"`{min(outside)}` is scaled at its input, so name it in `targets`, too")

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the scales left to train."""
        require("peft", extra="train")
        prepare = require("tunewright.train.tuners.ia3.prepare", extra="train").prepare
        return prepare(self, model, seed)
