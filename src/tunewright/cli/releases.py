"""What `releases`, `promote` and `rollback` do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.deploy.registry import Registry

ProjectFolder = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")]
HERE = Path()


def releases(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """List the releases with their states: candidate, champion or retired."""
    from tunewright.loop.project import Project

    _show(Project.open(project).releases(), as_json=as_json)


def promote(
    release: Annotated[str, typer.Argument(help="Id of the release, as `releases` lists it.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a release the champion; refused unless report and parity gate allow it."""
    from tunewright.loop.project import Project

    _show(Project.open(project).promote(release), as_json=as_json)


def rollback(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """Make the champion of before the champion again."""
    from tunewright.loop.project import Project

    _show(Project.open(project).rollback(), as_json=as_json)


def _show(found: Registry, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    since = {one.release: f"  since {one.at:%Y-%m-%d %H:%M} UTC" for one in found.history}
    for entry in found.entries:
        allowed = "" if entry.allowed else "  (not allowed by its report)"
        now = since.get(entry.release, "") if entry.state == "champion" else ""
        typer.echo(f"{entry.release}  {entry.state}{now}{allowed}")
