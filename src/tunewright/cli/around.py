"""What `machine` and `models` do."""

from __future__ import annotations

import json

import typer

from tunewright.cli.progress import Progress
from tunewright.runtime import hardware
from tunewright.runtime import models as catalogue
from tunewright.runtime import settings as environment


def machine(*, as_json: bool) -> None:
    """Print what the computer has, and what will be used of it."""
    found = hardware.look(gpus=True)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    for name, value in found.model_dump(mode="json").items():
        typer.echo(f"{name}: {value}")
    typer.echo(
        f"will use: {environment.read().threads} threads, {hardware.choose_dtype(found)}, "
        f"{found.accelerator}, engine `transformers`"
    )


def models(*, as_json: bool) -> None:
    """Print the catalogue."""
    entries = catalogue.catalogue()
    if as_json:
        typer.echo(json.dumps([entry.model_dump(mode="json") for entry in entries], indent=1))
        return
    for entry in entries:
        typer.echo(f"{entry.name}  {entry.parameters / 1e6:.0f}M  {entry.licence}  {entry.context} tokens")


def model(name: str) -> None:
    """Print one entry of the catalogue."""
    for field, value in catalogue.show(name).model_dump(mode="json").items():
        typer.echo(f"{field}: {value}")


def fetch(name: str) -> None:
    """Fetch and convert a model, and say where it lies."""
    with Progress() as progress:
        found = catalogue.fetch(name, environment.read(), progress.show)
    typer.echo(found.path)
