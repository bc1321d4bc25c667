"""DoRA: a low-rank change of the direction of every weight, and its length beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.train.tuners.lora import Lora


@dataclass(frozen=True, kw_only=True)
class Dora(Lora):
    """Train direction and length of the chosen linear layers (Liu et al. 2024); slower than `lora`."""

    word: ClassVar[str] = "dora"
    lengths: ClassVar[bool] = True
