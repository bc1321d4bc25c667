"""What `sweep` does."""

from __future__ import annotations

import shlex
from pathlib import Path

import typer
from rich.box import SIMPLE
from rich.table import Table

from tunewright.cli import tables
from tunewright.cli.progress import Progress
from tunewright.core.errors import Stopped
from tunewright.loop.project import Project
from tunewright.loop.sweep.leaderboard import Leaderboard
from tunewright.loop.sweep.page import table
from tunewright.loop.sweep.settings import text_of


def sweep(folder: Path, settings: tuple[str, ...], *, as_json: bool) -> int:
    """Run the sweep, or go on with it, and print the leaderboard."""
    project = Project.open(folder, settings=settings)
    with Progress() as progress:
        try:
            board = project.sweep(listen=progress.show)
        except (KeyboardInterrupt, Stopped):
            typer.echo("\nstopped; the same command goes on from here", err=True)
            return 130
    if as_json:
        typer.echo(board.model_dump_json(indent=1))
    else:
        _show(board, ["--project", str(folder)] if folder != Path() else [], settings)
    return 0


def _show(board: Leaderboard, where: list[str], settings: tuple[str, ...]) -> None:
    out = tables.console()
    heads, rows = table(board)
    drawn = Table(title=f"{len(rows)} trials", title_justify="left", box=SIMPLE)
    for place, head in enumerate(heads):
        last = place == len(heads) - 1
        drawn.add_column(head, justify="left" if last else "right", no_wrap=not last)
    for row in rows:
        drawn.add_row(*map(tables.plain, row))
    out.print(drawn)
    for note in board.notes:
        out.print(note, markup=False, soft_wrap=True)
    out.print(f"\nleaderboard: {board.folder / 'leaderboard.html'}", markup=False, soft_wrap=True)
    out.print(f"winner: {board.winner}", markup=False, soft_wrap=True)
    if board.best.settings:
        given = [*settings, *(f"{path}={text_of(value)}" for path, value in board.best.settings.items())]
        words = shlex.join(["tunewright", "run", *where, *(word for one in given for word in ("--set", one))])
        out.print(f"run it: {words}", markup=False, soft_wrap=True)
