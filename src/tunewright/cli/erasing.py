"""What `erase` does."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from tunewright.loop.project import Project


def erase(folder: Path, values: list[str], *, as_json: bool) -> None:
    """Erase, and say what was taken out and who has seen it; the values are not repeated."""
    given = [line for line in sys.stdin.read().splitlines() if line.strip()] if values == ["-"] else values
    done = Project.open(folder).erase(*given)
    if as_json:
        typer.echo(done.model_dump_json(indent=1))
        return
    for dataset, ids in done.removed.items():
        typer.echo(f"{dataset}: {len(ids)} examples taken out")
    if not done.removed:
        typer.echo("no example of a data set holds this")
    if done.labels:
        typer.echo(f"labelling: {done.labels} items taken out")
    _list("mended", done.files)
    _list("saw the data, retrain or withdraw it", done.seen_by)
    _list("still there in your own file, take it out", done.sources)
    _list("still there in a file that cannot be mended, delete it", done.still)


def _list(what: str, found: tuple[str, ...]) -> None:
    for one in found:
        typer.echo(f"{what}: {one}")
