"""What `run`, `stop` and `resume` do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer

from tunewright.cli import tables
from tunewright.cli.progress import Progress
from tunewright.core.errors import SpecError, Stopped
from tunewright.loop.line import STEPS, Outcome, StepName
from tunewright.loop.project import Project
from tunewright.runtime import plugins
from tunewright.runtime.events import Emit

EXIT = {"ship": 0, "waived": 0, "iterate": 1, "needs more examples": 3}


def run(
    folder: Path, only: str | None, settings: tuple[str, ...], *, again: bool, detach: bool, as_json: bool
) -> int:
    """Start a run and follow it; the exit code is the verdict's."""
    project = Project.open(folder, settings=settings)
    step = _step(only)
    if detach:
        typer.echo(project.start(only=step, again=again).id)
        return 0
    return _followed(lambda listen: project.run(only=step, again=again, listen=listen), as_json=as_json)


def resume(folder: Path, *, as_json: bool) -> int:
    """Go on with the newest run and follow it."""
    project = Project.open(folder)
    return _followed(lambda listen: project.resume(listen=listen), as_json=as_json)


def stop(folder: Path) -> None:
    """Ask the newest run to stop."""
    stopped = Project.open(folder).stop()
    typer.echo(f"asked run {stopped.id} to stop; `tunewright resume` goes on from there", err=True)


def _step(name: str | None) -> StepName | None:
    if name is not None and name not in STEPS:
        raise SpecError(problems=[plugins.unknown(name, STEPS, where="--only", noun="step")])
    return name


def _followed(follow: Callable[[Emit], Outcome], *, as_json: bool) -> int:
    with Progress() as progress:
        try:
            outcome = follow(progress.show)
        except KeyboardInterrupt:
            typer.echo(
                "\nthe run goes on; `tunewright stop` ends it, `tunewright resume` follows it", err=True
            )
            return 130
        except Stopped:
            typer.echo("stopped; `tunewright resume` goes on from here", err=True)
            return 130
    return show_outcome(outcome, as_json=as_json)


def show_outcome(outcome: Outcome, *, as_json: bool) -> int:
    """Print the newest artifact of an outcome; the exit code is the verdict's."""
    made = outcome.artifacts()
    report = outcome.report or outcome.baselines
    artifact = report or list(made.values())[-1]
    if as_json:
        typer.echo(artifact.model_dump_json(indent=1))
    else:
        tables.show(artifact)
    return EXIT[outcome.report.verdict.word] if outcome.report else 0
