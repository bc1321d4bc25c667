"""What `data` and its commands print."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import typer

from tunewright.cli import looking, running, tables
from tunewright.loop.project import Project

_SHOWN = 5
"""Examples of each kind of difference that a terminal shows."""
_WIDTH = 80


def make(folder: Path, settings: tuple[str, ...], *, again: bool, as_json: bool) -> int:
    """Make the data set and print it with the doctor's findings; the exit code is that of `run`."""
    code = running.run(folder, "data", settings, again=again, detach=False, as_json=as_json)
    return code if code or as_json else looking.show(folder, "diagnosis", 0, as_json=False)


def versions(folder: Path, *, as_json: bool) -> None:
    """Print every data set, the newest first."""
    found = Project.open(folder).data.versions()
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    if not found:
        typer.echo("no data set yet; `tunewright data` makes one", err=True)
    for one in found:
        counts = ", ".join(f"{split} {count:,}" for split, count in one.dataset.counts.items())
        read = ", ".join((*one.dataset.formats, *one.dataset.parents))
        typer.echo(f"{one.dataset.id}  {one.made.astimezone():%Y-%m-%d %H:%M}  {counts}  from {read}")
        for change in one.changed:
            typer.echo(f"  {change}")


def diff(folder: Path, before: str | None, after: str | None, *, as_json: bool) -> None:
    """Print the difference of two data sets: counts, labels, and the first examples of each kind."""
    found = Project.open(folder).data.diff(before, after)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    out = tables.console()
    out.print(f"{found.before} → {found.after}", markup=False)
    for name, (old, new) in (*found.counts.items(), *found.labels.items()):
        out.print(f"  {name}: {old:,} → {new:,}", markup=False)
    for kind, count in Counter(one.kind for one in found.shifts).items():
        out.print(f"\n{count:,} {kind}", style="bold", markup=False)
        for one in [one for one in found.shifts if one.kind == kind][:_SHOWN]:
            way = " → ".join(_line(part) for part in (one.before, one.after) if part)
            out.print(f"  {one.source}: {_line(one.question)} [{way}]", markup=False, soft_wrap=True)
        if count > _SHOWN:
            out.print(f"  … and {count - _SHOWN:,} more; `--json` has them all", markup=False)
    if not found.shifts:
        out.print("the same examples in the same splits", markup=False)


def card(folder: Path, dataset_id: str | None) -> None:
    """Print a card as it was written."""
    typer.echo(Project.open(folder).data.card(dataset_id))


def _line(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]}…"
