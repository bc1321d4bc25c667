"""Full fine-tuning: every weight of the base model moves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class Full:
    """Train every weight, in fp32; rates of about 5e-5. A weight takes 24 bytes, and as a checkpoint four."""

    whole: ClassVar[bool] = True
    apart: ClassVar[str] = ""

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model
        """The model itself."""
        del seed  # nothing is begun by chance
        return model.requires_grad_(True)
