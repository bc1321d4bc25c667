"""QLoRA: a low-rank change beside linear layers whose frozen weights are held in 4 or 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tunewright.runtime.lazy import require
from tunewright.train.tuners.lora import Lora


@dataclass(frozen=True, kw_only=True)
class Qlora(Lora):
    """`lora` on a quantised base (Dettmers et al. 2023), for models that would not fit otherwise."""

    bits: Literal[4, 8] = 4
    """Of a frozen weight: 4 is NF4 with its scales quantised, too; 8 is a scale for every row."""

    word: ClassVar[str] = "qlora"
    needs: ClassVar[str] = "bitsandbytes"

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the low-rank changes left to train."""
        require(self.needs, extra="quant")
        return super().prepare(model, seed)
