"""Bottleneck: small layers of one's own behind attention and MLP of every block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from tunewright.runtime import adapters
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Bottleneck:
    """Train adapter layers between the blocks' parts (Houlsby et al. 2019); they cannot be merged."""

    size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Width of the narrow middle."""
    after: Annotated[tuple[str, ...], Field(min_length=1)] = ("self_attn", "mlp")
    """Parts of a block that one stands behind: both by Houlsby, `mlp` alone by Pfeiffer et al. (2021)."""
    bend: Literal["gelu", "relu", "silu"] = "gelu"
    """Function in the middle."""

    whole: ClassVar[bool] = False
    apart: ClassVar[str] = adapters.APART[adapters.BOTTLENECK]

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, one around it
        """The model with only the bottlenecks left to train."""
        prepare = require("tunewright.train.tuners.bottleneck.prepare", extra="train").prepare
        return prepare(self, model, seed)
