"""What a user says of the release."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import Frozen, VerdictWord
from tunewright.runtime.plugins import Named


class DeploySpec(Frozen):
    """How a checkpoint is packed, and what must hold before it may be promoted."""

    export: Named | None = Field(
        default=None,
        description="form it is packed in: `merged` or `adapter`; if left out, merged where that is possible",
    )
    allow: tuple[VerdictWord, ...] = Field(
        default=("ship", "waived"),
        description="verdicts that allow the release; with any other it is packed as a mere candidate",
    )
    parity_prompts: int = Field(
        default=16, ge=1, description="test prompts that every form must answer with the same tokens"
    )
    parity_tokens: int = Field(default=32, ge=1, description="tokens of each answer that are compared")
