"""What a user says of the objective."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import Frozen, Target, TaskType


class DefineSpec(Frozen):
    """The objective, and the numbers that say when it is reached."""

    objective: str = Field(description="what the model is for, in one sentence")
    task: TaskType = Field(description="kind of task; derives default metrics and data checks")
    instruction: str | None = Field(
        default=None, description="system message of the tuned model; the objective if left out"
    )
    targets: tuple[Target, ...] = Field(
        default=(), description="numbers promised before training, each `at_least` or `at_most`"
    )
    metrics: tuple[str, ...] = Field(
        default=(),
        description="scorers of the task, the main one first; derived from the kind of task if left out",
    )
