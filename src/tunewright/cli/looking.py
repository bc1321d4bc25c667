"""What `show` and `compare` do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import typer

from tunewright.cli import browsing, tables
from tunewright.loop import jobs
from tunewright.loop.project import Project

_ROWS = 3
"""Rows of each finding that a terminal shows."""


def show(folder: Path, what: str, number: int, *, split: str = "train", as_json: bool) -> int:
    """Print an artifact of the newest runs, a token preview, or the runs."""
    project = Project.open(folder)
    if what == "preview":
        return _preview(project, number, split, as_json=as_json)
    if what == "diagnosis":
        return _diagnosis(project, as_json=as_json)
    if what == "changes":
        return browsing.changes(project, as_json=as_json)
    if what == "runs":
        return _runs(project, as_json=as_json)
    found = project.show(what)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        tables.show(found)
    return 0


def _preview(project: Project, number: int, split: str, *, as_json: bool) -> int:
    preview = project.preview(number, split)  # type: ignore[arg-type] # an unknown one is refused
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(preview), indent=1))
        return 0
    out = tables.console()
    for token in preview.tokens:
        style = "bold green" if token.stop else "green" if token.trained else "dim"
        out.print(
            f"{token.id:>7}  {token.text!r:<24} {'trained' if token.trained else ''}"
            f"{' (stop)' if token.stop else ''}",
            style=style,
            markup=False,
        )
    out.print(f"{preview.trained_share:.0%} of the tokens are trained", markup=False)
    return 0


def _diagnosis(project: Project, *, as_json: bool) -> int:
    found = project.diagnosis()
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return 0
    out = tables.console()
    for finding in found.findings:
        share = f" ({finding.share:.1%})" if finding.places else ""  # what is of the whole set has none
        head = f"\n{finding.kind}: {finding.what}{share}"
        out.print(head, style="bold", markup=False)
        out.print(f"  effect: {finding.effect}\n  remedy: {finding.fix}", markup=False)
        shown = finding.rows[:_ROWS] if finding.places else finding.rows
        for row in shown:
            out.print(f"  - {row.source}: {row.text}" + (f" [{row.note}]" if row.note else ""), markup=False)
        if len(finding.places) > len(shown):
            more = f"{len(finding.places) - len(shown):,}"
            out.print(f"  … and {more} more in diagnosis.html and --json", markup=False)
    if not found.findings:
        out.print("the doctor found nothing to tell; that is no proof that nothing is wrong")
    return 0


def _runs(project: Project, *, as_json: bool) -> int:
    runs = jobs.every(project.folder)
    if as_json:
        told = ({**run.model_dump(mode="json"), "status": jobs.status(run)} for run in runs)
        typer.echo(json.dumps(list(told), indent=1))
        return 0
    if not runs:
        typer.echo("no run yet; `tunewright run` starts one", err=True)
    out = tables.console()
    for run in runs:
        made = ", ".join(jobs.made_by(run).values())
        out.print(f"{run.id}  {jobs.status(run):<9} {made}", markup=False, soft_wrap=True)
    return 0


def compare(folder: Path, first: str | None, second: str | None, *, as_json: bool) -> None:
    """Print two reports side by side."""
    rows = Project.open(folder).compare(first, second)
    if as_json:
        typer.echo(json.dumps([row.model_dump() for row in rows], indent=1))
        return
    out = tables.console()
    for row in rows:
        out.print(
            f"{row.candidate:<12} {row.metric:<14} {_number(row.first)} → {_number(row.second)}", markup=False
        )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
