"""The line of the stage: answer every candidate, score, aggregate, compare, judge, report."""

from __future__ import annotations

from pathlib import Path

from tunewright.core.types import Artifact, Checkpoint, Dataset, Report, Task
from tunewright.evaluate.bench import prepare
from tunewright.evaluate.conclude import conclude
from tunewright.evaluate.ladder import climb
from tunewright.evaluate.report import write
from tunewright.evaluate.results import measure
from tunewright.evaluate.spec import EvaluateSpec
from tunewright.runtime.context import Context

VERSION = "1"
"""Raised when a change of the stage makes earlier artifacts stale."""


def run(
    context: Context,
    spec: EvaluateSpec,
    task: Task,
    dataset: Dataset,
    base: Checkpoint,
    tuned: Checkpoint | None = None,
) -> Report:
    """What every candidate achieves, and the verdict; the baselines alone where `tuned` is None.

    Answers are kept in the workspace: a second evaluation asks only what is new.
    """
    bench = prepare(context, spec, task, dataset)
    trials = climb(bench, base, tuned)
    measured = [measure(bench, trial) for trial in trials]
    report = conclude(bench, trials, measured, complete=tuned is not None)
    write(report, measured, tuned)
    return context.seal(Report, **report.model_dump(exclude=set(Artifact.model_fields)))


def fingerprint(spec: EvaluateSpec, project: Path) -> dict[str, str]:
    """Nothing outside the spec and the inputs is read; the version of the stage counts."""
    del spec, project
    return {"evaluate": VERSION}
