"""The commands `data`, `data versions | diff | card`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(
    help="Make the data set of the spec and say what the doctor found; list and compare data sets.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Folder = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")]
HERE = Path()


@app.callback()
def data(
    context: typer.Context,
    project: Folder = HERE,
    again: Annotated[bool, typer.Option("--again", help="Make it anew.")] = False,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option("--set", help="Override the spec: path=value. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the data set of the spec, without training, and say what the doctor found."""
    if context.invoked_subcommand is None:
        from tunewright.cli import comparing

        raise typer.Exit(comparing.make(project, tuple(settings or ()), again=again, as_json=as_json))


@app.command()
def versions(project: Folder = HERE, as_json: AsJson = False) -> None:
    """List every data set of the project, the newest first."""
    from tunewright.cli import comparing

    comparing.versions(project, as_json=as_json)


@app.command()
def diff(
    before: Annotated[str | None, typer.Argument(help="Id of a data set; the newest but one.")] = None,
    after: Annotated[str | None, typer.Argument(help="Id of a data set; the newest.")] = None,
    project: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what was added, removed, moved and changed from one data set to another."""
    from tunewright.cli import comparing

    comparing.diff(project, before, after, as_json=as_json)


@app.command()
def card(
    dataset: Annotated[str | None, typer.Argument(help="Id of a data set; the newest by default.")] = None,
    project: Folder = HERE,
) -> None:
    """Print the card of a data set: sources, changes, overlaps, lengths, labels."""
    from tunewright.cli import comparing

    comparing.card(project, dataset)
