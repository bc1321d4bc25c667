"""Prompt tuning: a few learned embeddings before every text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.runtime import adapters
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """Train embeddings that stand before every text (Lester et al. 2021): hardly any weights, high rates."""

    tokens: Annotated[int, Field(ge=1, le=1024)] = 20
    """Learned tokens; they take room in the context."""

    whole: ClassVar[bool] = False
    apart: ClassVar[str] = adapters.APART[adapters.PROMPT]

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the learned tokens left to train."""
        require("peft", extra="train")
        prepare = require("tunewright.train.tuners.prompt.prepare", extra="train").prepare
        return prepare(self, model, seed)
