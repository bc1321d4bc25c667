"""Which metrics a kind of task is measured by, unless the spec says otherwise."""

from __future__ import annotations

from tunewright.core.types import TaskType

LABELS = ("accuracy", "macro_f1", "invalid_rate")
WORDS = ("token_f1", "exact")


def default_metrics(task: TaskType) -> tuple[str, ...]:
    """Metrics of the task, the one candidates are compared by first."""
    return LABELS if task == "classification" else WORDS
