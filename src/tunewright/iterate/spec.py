"""What a user says of the way back from a report to the next spec."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import Frozen


class IterateSpec(Frozen):
    """How much of the failures is shown, and what counts as a suspected contradiction."""

    groups: int = Field(default=20, ge=1, description="groups of failures to list, largest first")
    examples: int = Field(default=5, ge=1, description="wrong answers to show in each group")
    classes: int = Field(default=5, ge=0, description="weakest classes to propose examples for")
    similarity: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="a training question at least this similar to a failed one, but with the label that "
        "was answered, is a suspected contradiction",
    )
