"""The commands `models list | show | fetch`."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Base models: list, show, fetch.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_models(as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the models of the catalogue."""
    from tunewright.cli import around

    around.models(as_json=as_json)


@app.command()
def show(name: Annotated[str, typer.Argument(help="Name of the model.")]) -> None:
    """Show what is known of a model: licence, size, context, source."""
    from tunewright.cli import around

    around.model(name)


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="Name of the model.")]) -> None:
    """Fetch a model and convert it once, so that later runs need no network."""
    from tunewright.cli import around

    around.fetch(name)
