"""The commands `keys create | list | revoke`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from tunewright.deploy.keys import Key

app = typer.Typer(help="API keys of the server.", no_args_is_help=True, rich_markup_mode=None)

ProjectFolder = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")]
HERE = Path()


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is called, such as the program that uses it.")],
    scope: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option("--scope", help="answer, models or metrics; the first two by default. Repeatable."),
    ] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Most requests in a minute.")] = None,
    tokens_per_day: Annotated[
        int | None, typer.Option(help="Most tokens of questions and answers in a day of UTC.")
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once; with the first key, the server asks everybody for one."""
    from tunewright.loop.project import Project

    made = Project.open(project).keys.create(
        name,
        scopes=tuple(scope or ("answer", "models")),
        requests_per_minute=requests_per_minute,
        tokens_per_day=tokens_per_day,
    )
    if as_json:
        typer.echo(made.model_dump_json(indent=1))
        return
    typer.echo(made.secret)
    typer.echo(f"keep it: only its hash stays here; it may {', '.join(made.key.scopes)}", err=True)


@app.command("list")
def list_keys(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """List the keys: what each may do and how much, never the key itself."""
    from tunewright.loop.project import Project

    _show(Project.open(project).keys.list(), as_json=as_json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the key.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take a key away; a server that runs lets it in no more."""
    from tunewright.loop.project import Project

    _show(Project.open(project).keys.revoke(name), as_json=as_json)


def _show(keys: Iterable[Key], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in keys], indent=1))
        return
    for key in keys:
        rate = f"  {key.requests_per_minute} requests/minute" if key.requests_per_minute else ""
        quota = f"  {key.tokens_per_day} tokens/day" if key.tokens_per_day else ""
        typer.echo(f"{key.name}  {', '.join(key.scopes)}{rate}{quota}  made {key.made:%Y-%m-%d}")
