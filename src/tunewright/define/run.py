"""The line of the stage: derive what was left out, freeze the task."""

from __future__ import annotations

from pathlib import Path

from tunewright.core.types import Task
from tunewright.define.metrics import default_metrics
from tunewright.define.spec import DefineSpec
from tunewright.runtime.context import Context

VERSION = "1"
"""Raised when a change of the stage makes earlier artifacts stale."""


def run(context: Context, spec: DefineSpec) -> Task:
    """Freeze the objective with its targets and metrics."""
    return context.seal(
        Task,
        objective=spec.objective,
        type=spec.task,
        instruction=spec.instruction or spec.objective,
        targets=spec.targets,
        metrics=spec.metrics or default_metrics(spec.task),
    )


def fingerprint(spec: DefineSpec, project: Path) -> dict[str, str]:
    """Nothing outside the spec is read; the version of the stage counts."""
    del spec, project
    return {"define": VERSION}
