"""The commands `plan` and `advise`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tunewright.loop.planning import Planned

Names = Optional[list[str]]  # noqa: UP045 - typer reads this annotation at run time


def plan(  # noqa: PLR0913 - each is an option of the command
    model: Annotated[Names, typer.Option(help="A base model instead of the spec's. Repeatable.")] = None,
    tuner: Annotated[Names, typer.Option(help="A tuner instead of the spec's. Repeatable.")] = None,
    on: Annotated[
        Names, typer.Option(help="A device of the price table, such as a100-80gb, or `here`, the default.")
    ] = None,
    examples: Annotated[int | None, typer.Option(min=1, help="So many training examples.")] = None,
    length: Annotated[int | None, typer.Option(min=8, help="Tokens of an example.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="Your own prices; prices.yaml of the project by default.")
    ] = None,
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")] = Path(),
    settings: Annotated[Names, typer.Option("--set", help="Override the spec: path=value.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")] = False,
) -> None:
    """Say whether training fits, how long it takes and what it costs, here or on a device you name."""
    from tunewright.cli import tables
    from tunewright.loop.project import Project

    found = Project.open(project, settings=tuple(settings or ())).plan(
        models=model or (), tuners=tuner or (), on=on or (), examples=examples, length=length, prices=prices
    )
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    out = tables.console()
    out.print(_table(found))
    for assumed in dict.fromkeys(one.assumed for one in found if one.assumed):
        out.print(
            f"there is no data set yet: {assumed}, unless you say `--examples` and `--length`", markup=False
        )
    for one in found:
        if one.note:
            out.print(f"{one.model}, {one.tuner}: {one.note}", markup=False, soft_wrap=True)
    out.print(
        "times are of a machine with no other work; nothing was tried on a GPU: take that as a hint",
        markup=False,
    )


def _table(found: tuple[Planned, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for head in ("model", "tuner", "on"):
        table.add_column(head)
    for head in ("GB", "fits", "at once", "time", "cost"):
        table.add_column(head, justify="right")
    for one in found:
        table.add_row(one.model, f"{one.tuner}, {one.method}", one.place, *_cells(one))
    return table


def _cells(one: Planned) -> tuple[str, ...]:
    from tunewright.loop.planning import between

    found = one.forecast
    if found is None:
        return ("–",) * 5
    return (
        f"{found.memory_bytes / 1e9:.1f} of {one.memory_bytes / 1e9:.0f}",
        "yes" if found.fits else "no",
        f"{found.tokens} × {found.parts}",
        between(found.seconds_low, found.seconds_high),
        "–" if found.cost is None else f"{found.cost:.2f} {one.currency}",
    )


def advise(
    hours: Annotated[float, typer.Option(min=0.01, help="Time that training may take.")] = 8.0,
    on: Annotated[str | None, typer.Option(help="A device of the price table.")] = None,
    commercial: Annotated[
        bool, typer.Option(help="Only models whose licence is open, such as Apache-2.0 and MIT.")
    ] = True,
    prices: Annotated[
        Path | None, typer.Option(help="Your own prices; prices.yaml of the project by default.")
    ] = None,
    project: Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")] = False,
) -> None:
    """Name a base model, tuner, method and settings for your data and machine, with the reasons."""
    from tunewright.cli import tables
    from tunewright.loop.project import Project

    found = Project.open(project).advise(hours=hours, on=on, commercial=commercial, prices=prices)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    out = tables.console()
    for reason in found.reasons:
        out.print(f"- {reason}", markup=False, soft_wrap=True)
    out.print(f"\n{found.spec}", markup=False, soft_wrap=True)
