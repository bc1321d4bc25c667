"""What the commands of `label` do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from tunewright.cli import tables
from tunewright.cli.errors import written
from tunewright.cli.progress import Progress
from tunewright.cli.sources import given, mapping
from tunewright.cli.terminal import Terminal
from tunewright.core.errors import SpecError
from tunewright.data.labelling import Added, Concord
from tunewright.data.labelling.judge import Coefficient
from tunewright.loop.labelling import Labelling
from tunewright.loop.project import Project
from tunewright.loop.spec import value_of
from tunewright.runtime.plugins import Named

_LABELS = 10
"""Labels that `status` counts in a terminal."""


def _open(folder: Path) -> Labelling:
    return Project.open(folder).label


def guide(folder: Path, labels: tuple[str, ...]) -> None:
    """Write the guide and say where it is."""
    found = _open(folder)
    written_guide = found.guide(labels)
    typer.echo(found.guide_file)
    if not written_guide.labels:
        typer.echo("it has no labels yet: name them with `--label`, or add `##` headings", err=True)


def add(
    folder: Path,
    source: str | None,
    columns: tuple[str, ...],
    overlap: float,
    annotators: int,
    *,
    as_json: bool,
) -> None:
    """Fill the queue and say by how much."""
    named = mapping(given(source or ""), columns, None)
    (asked,) = named.sources
    found = _open(folder).add(asked or None, columns=named.columns, overlap=overlap, annotators=annotators)
    _added(found, as_json=as_json)


def _added(found: Added, *, as_json: bool) -> None:
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        known = f", {found.known:,} were known" if found.known else ""
        typer.echo(f"{found.new:,} examples added{known}")
    sys.stderr.write(written(found.problems))


def suggest(folder: Path, by: str) -> None:
    """Pre-label, with progress."""
    with Progress() as progress:
        count = _open(folder).suggest(_named(by), listen=progress.show)
    typer.echo(f"{count:,} examples have a suggestion")


def _named(text: str) -> Named:
    """A plug-in as it stands in the spec; raises `SpecError`."""
    try:
        return Named.model_validate(value_of(text, where="--by"))
    except (SpecError, ValidationError):
        raise SpecError(
            f"`{text}` names no engine", where="--by", fix="write a name, or {name: {option: value}}"
        ) from None


def start(folder: Path, name: str, order: str, refit: int, *, shown: bool) -> None:
    """Label until there is nothing left or the person quits."""
    labelling: Any = _open(folder)  # the order is checked by the call
    with labelling.start(name, order=order, shown=shown, refit=refit) as session:
        Terminal(session).run("nothing is left for you; `tunewright label status` says how far it is")


def adjudicate(folder: Path, name: str) -> None:
    """Decide disputes until there is none left or the person quits."""
    with _open(folder).adjudicate(name) as session:
        Terminal(session).run("no dispute is left")


def status(folder: Path, *, as_json: bool) -> None:
    """Print the counts."""
    found = _open(folder).status()
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    out = tables.console()
    states = ", ".join(f"{state} {count:,}" for state, count in found.states.items())
    out.print(f"{found.items:,} examples: {states or 'none'}", markup=False)
    out.print(f"{found.answers_missing:,} answers are still wanted", markup=False)
    for name, one in found.annotators.items():
        seen = f"; took {one.accepted:,} of {one.suggested:,} suggestions" if one.suggested else ""
        decided = f", decided {one.decided:,}" if one.decided else ""
        counts = f"{one.given:,} given, {one.unsure:,} unsure, {one.skipped:,} skipped{decided}"
        out.print(f"  {name}: {counts}{seen}", markup=False)
    for label, count in list(found.labels.items())[:_LABELS]:
        out.print(f"  {count:>6,}  {label}", markup=False)
    if len(found.labels) > _LABELS:
        out.print(f"  … and {len(found.labels) - _LABELS:,} more labels; `--json` has them all", markup=False)


def agreement(folder: Path, scale: str, *, as_json: bool) -> None:
    """Print coefficients with their intervals."""
    labelling: Any = _open(folder)
    found: Concord = labelling.agreement(scale)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    out = tables.console()
    out.print(f"Krippendorff's alpha ({scale}): {_coefficient(found.alpha)}", markup=False)
    for pair in found.pairs:
        same = f"{pair.same:,} alike"
        out.print(f"  {pair.first} and {pair.second}: kappa {_coefficient(pair.kappa)}, {same}", markup=False)
    for name, person in found.people.items():
        out.print(f"{name}: right in about {person.accuracy:.0%} (Dawid and Skene)", markup=False)
        for truth, answer, times in person.confusions:
            out.print(f"  {times:>4}  `{truth}` answered `{answer}`", markup=False)


def _coefficient(found: Coefficient) -> str:
    if found.value is None:
        return f"cannot be told from {found.n:,} shared examples"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}] on {found.n:,} shared examples"


def export(folder: Path, file: Path, *, majority: bool) -> None:
    """Write the file and say what is not in it."""
    found = _open(folder).export(file, majority=majority)
    typer.echo(found.path)
    left = ", ".join(f"{count:,} {state}" for state, count in found.left_out.items())
    typer.echo(f"{found.examples:,} examples written" + (f"; left out: {left}" if left else ""), err=True)


def import_(folder: Path, file: Path, *, as_json: bool) -> None:
    """Read a Label Studio file."""
    _added(_open(folder).import_(file), as_json=as_json)
