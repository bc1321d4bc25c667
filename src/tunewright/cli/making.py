"""What `new` and `check` do."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import get_args

import typer

from tunewright.cli.errors import written
from tunewright.core.errors import SpecError
from tunewright.core.types import TaskType
from tunewright.define import default_metrics
from tunewright.loop import new as making
from tunewright.loop.project import Project
from tunewright.runtime import plugins


def new(folder: Path, starter: str | None) -> None:
    """Make a project and say what to do next."""
    if starter is not None:
        Project.new(folder, starter=starter)
    else:
        making.refuse_to_overwrite(folder)
        try:
            _ask(folder)
        except typer.Abort:
            raise SpecError(
                "the questions were not answered to the end, so nothing was made",
                where=str(folder),
                fix="answer all four, or begin with `--starter ticket-routing`",
            ) from None
    typer.echo(f"made {folder}/tunewright.yaml", err=True)
    typer.echo(f"next: cd {shlex.quote(str(folder))} && tunewright check && tunewright run", err=True)


def _ask(folder: Path) -> None:
    typer.echo(f"starters, to begin with a worked case: {', '.join(making.starters())}\n", err=True)
    objective: str = typer.prompt("What is the model for, in one sentence", err=True)
    kinds = get_args(TaskType)
    typer.echo(f"kinds of task: {', '.join(kinds)}", err=True)
    task: TaskType = typer.prompt("Which kind is it", default="classification", err=True)
    if task not in kinds:
        raise SpecError(problems=[plugins.unknown(task, kinds, where="the kind of task", noun="kind")])
    source: str = typer.prompt("File with your examples", default="data/train.csv", err=True)
    metric = default_metrics(task)[0]
    at_least: float = typer.prompt(
        f"Which {metric} is good enough (0 to 1)", type=float, default=0.9, err=True
    )
    making.from_answers(
        folder, objective=objective, task=task, source=source, metric=metric, at_least=at_least
    )


def check(project: Path, settings: tuple[str, ...], *, as_json: bool) -> int:
    """Print every problem; the exit code is 2 if one of them is fatal."""
    try:
        problems = Project.open(project, settings=settings).check()
    except SpecError as error:
        problems = error.problems
    if as_json:
        typer.echo(json.dumps([problem.model_dump() for problem in problems], indent=1))
    else:
        typer.echo(written(problems).rstrip() or "the spec is clean", err=True)
    return 2 if any(problem.fatal for problem in problems) else 0
