"""Prefix tuning: learned keys and values before every text, in every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.runtime import adapters
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """Train keys and values that every layer attends to first (Li and Liang 2021): few weights."""

    tokens: Annotated[int, Field(ge=1, le=1024)] = 20
    """Learned tokens; they take room in the context."""

    whole: ClassVar[bool] = False
    apart: ClassVar[str] = adapters.APART[adapters.PREFIX]

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the learned keys and values left to train."""
        require("peft", extra="train")
        prepare = require("tunewright.train.tuners.prefix.prepare", extra="train").prepare
        return prepare(self, model, seed)
