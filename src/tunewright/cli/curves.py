"""What `curve` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.box import SIMPLE
from rich.table import Table

from tunewright.cli import tables
from tunewright.cli.progress import Progress
from tunewright.loop.project import Project

if TYPE_CHECKING:
    from tunewright.data.curve import Estimate, LearningCurve


def curve(folder: Path, more: int, settings: tuple[str, ...], *, train: bool, as_json: bool) -> None:
    """Measure the curve and print it."""
    with Progress() as progress:
        found = Project.open(folder, settings=settings).curve(more=more, train=train, listen=progress.show)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    out = tables.console()
    out.print(_table(found))
    for line in _told(found):
        out.print(line, markup=False, soft_wrap=True)


def _table(curve: LearningCurve) -> Table:
    table = Table(title=f"{curve.learner}, {curve.held_out:,} held out", title_justify="left", box=SIMPLE)
    for head in ("examples", curve.measure, "±", "drawn"):
        table.add_column(head, justify="right")
    for point in curve.points:
        spread = _figure(curve, point.spread) if point.repeats > 1 else "–"
        table.add_row(f"{point.examples:,}", _figure(curve, point.value), spread, f"{point.repeats}")
    return table


def _told(curve: LearningCurve) -> tuple[str, ...]:
    return (
        f"with all {curve.examples:,}: {_estimate(curve, curve.now)}",
        f"with {curve.more:,} more: {_estimate(curve, curve.then)}",
        f"{curve.more:,} more are worth {_estimate(curve, curve.gain)} (90 %)",
        "measured on your own examples; the rules of thumb (50 to 100, 1,000, 5,000, 10,000) were not used",
    )


def _estimate(curve: LearningCurve, found: Estimate) -> str:
    low, high = _figure(curve, found.low), _figure(curve, found.high)
    return f"{_figure(curve, found.value)} [{low}, {high}]"


def _figure(curve: LearningCurve, value: float) -> str:
    return f"{value:.2%}" if curve.measure == "error" else f"{value:.4f}"
