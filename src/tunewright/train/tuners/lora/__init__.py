"""LoRA: a low-rank change beside every linear layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Lora:
    """Train a low-rank change of the chosen linear layers."""

    r: Annotated[int, Field(ge=1, le=1024)] = 16
    """Rank of the change."""
    alpha: Annotated[int, Field(ge=1)] = 32
    """The change is scaled by alpha / r."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the inputs left out while training."""
    rslora: bool = False
    """Scale by alpha / √r instead, which keeps high ranks learning (Kalajdzievski 2023)."""
    targets: tuple[str, ...] = ()
    """Layer names such as `q_proj`; every linear layer if left out."""

    word: ClassVar[str] = "lora"
    """Its name in the spec, for errors."""
    lengths: ClassVar[bool] = False
    """Whether the length of every weight is learned, too."""
    whole: ClassVar[bool] = False
    apart: ClassVar[str] = ""

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the low-rank changes left to train."""
        require("peft", extra="train")
        prepare = require("tunewright.train.tuners.lora.prepare", extra="train").prepare
        return prepare(self, model, seed)
