"""What `synthesise` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from tunewright.cli import tables
from tunewright.cli.progress import Progress
from tunewright.core.errors import SpecError
from tunewright.core.types import Problem
from tunewright.data import Synthesis
from tunewright.loop.project import Project
from tunewright.loop.spec import value_of

_SHOWN = 160
STOPPED = 130


def synthesise(
    folder: Path, kind: str, named: dict[str, str | None], options: tuple[str, ...], *, as_json: bool
) -> int:
    """Make the examples and say what was made and what was refused; the exit code."""
    pairs = (option.partition("=") for option in options)
    order = _values({**named, **{name: text for name, _, text in pairs}})
    project = Project.open(folder)
    try:
        with Progress() as progress:
            made = project.synthesise(kind, listen=progress.show, **order)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on", err=True)
        return STOPPED
    if as_json:
        typer.echo(made.model_dump_json(indent=1))
    else:
        _show(made)
    return 0


def _values(options: dict[str, str | None]) -> dict[str, Any]:
    """Every option as YAML, as with `--set`; raises `SpecError` with all that is none."""
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, text in options.items():
        if text is None:
            continue
        try:
            found[name] = value_of(text, where=f"--{name}")
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems=problems)
    return found


def _show(made: Synthesis) -> None:
    typer.echo(f"{made.made} new examples in {made.file}; look at them before you use them")
    if made.there:
        typer.echo(f"{made.there} were put there earlier")
    typer.echo(f"{made.asked} asked for, {made.share:.0%} passed every filter")
    for name, count in made.refused.items():
        typer.echo(f"\nrefused by `{name}`: {count}")
        for one in (sample for sample in made.samples if sample.filter == name):
            typer.echo(f"  - {_short(one.question)} → {_short(one.answer)}\n    {one.reason} ({one.source})")
    if made.prompt_tokens:
        cost = "" if made.cost is None else f", cost {made.cost:.4f}"
        typer.echo(f"\ntokens: {made.prompt_tokens:,} asked, {made.answer_tokens:,} answered{cost}")
    for note in made.notes:
        typer.echo(f"note: {note}")


def _short(text: str) -> str:
    line = tables.plain(" ".join(text.split()))
    return f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line
