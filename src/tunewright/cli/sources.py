"""What `look` does."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console

from tunewright import data
from tunewright.cli.errors import written
from tunewright.cli.tables import console
from tunewright.core.errors import SpecError
from tunewright.core.types import Example, Problem
from tunewright.data import Columns, DataSpec, Look
from tunewright.loop.spec import value_of

_WIDEST = 300
"""Characters of a text that are shown."""


def look(
    source: str, columns: tuple[str, ...], shape: str | None, output: Path | None, *, as_json: bool
) -> int:
    """Print what a source was read as; 2 if it has problems."""
    named = mapping(given(source), columns, shape)
    (asked,) = named.sources
    found = data.look(asked, columns=named.columns, shape=named.format)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _show(found)
    sys.stderr.write(written(found.problems))
    if any(problem.fatal for problem in found.problems):
        return 2
    if output is not None:
        count = data.to_parquet(asked, output, columns=named.columns, shape=named.format)
        typer.echo(f"{count} examples written to {output}", err=True)
    return 0


def given(text: str) -> object:
    """A name, or a source with its options in YAML: `threads: {path: tickets.csv}`."""
    try:
        found = value_of(text, where="source")
    except SpecError:
        found = text
    return found if isinstance(found, dict) else text


def mapping(source: object, columns: tuple[str, ...], shape: str | None) -> DataSpec:
    """The mapping as a section of the spec; raises `SpecError`."""
    pairs = [pair.partition("=") for pair in columns]
    wrong = [role for role, _, name in pairs if not name or role not in Columns.model_fields]
    problems = [
        Problem(
            where="--column",
            what=f"`{role}` is no role with its column",
            fix=f"write role=column; roles are {', '.join(Columns.model_fields)}",
        )
        for role in wrong
    ]
    if problems:
        raise SpecError(problems=problems)
    try:
        named = {role: name for role, _, name in pairs}
        return DataSpec.model_validate({"sources": [source], "columns": named, "format": shape})
    except ValidationError as error:
        raise SpecError(f"unknown shape `{shape}`", where="--format", fix=error.errors()[0]["msg"]) from error


def _show(found: Look) -> None:
    out = console()
    if found.shape is None:
        return
    out.print(f"{found.source}: {found.shape}, confidence {found.confidence:.1f}", markup=False)
    for role, column in found.columns.items():
        out.print(f"  {role} = {column}", markup=False)
    out.print(f"  {found.examples} examples; in the spec: {found.mapping}", markup=False, soft_wrap=True)
    for example in found.first:
        _example(out, example)


def _example(out: Console, example: Example) -> None:
    out.print(f"\n{example.source}", style="bold", markup=False)
    for turn in example.messages:
        out.print(f"{turn.role}: {_cut(turn.content)}", markup=False, soft_wrap=True)
    beside = {"text": example.text, "rejected": example.rejected, "tags": ", ".join(example.tags)}
    for name, value in beside.items():
        if value:
            out.print(f"{name}: {_cut(value)}", markup=False, soft_wrap=True)
    if example.desirable is not None:
        out.print(f"desirable: {example.desirable}", markup=False)


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]} …"
