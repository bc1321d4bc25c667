"""The leaderboard as plain cells, for every face, and as one HTML page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tunewright.core.types import Comparison
from tunewright.evaluate import interval
from tunewright.loop.sweep.leaderboard import Leaderboard, Row
from tunewright.loop.sweep.settings import text_of

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; font-size: .9rem } td, th { padding: .3rem .8rem; text-align: left }
td { border-top: 1px solid #ddd; font-variant-numeric: tabular-nums } .tied { background: #eaf5ea }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #ddd } td { border-color: #333 } .tied { background: #1d2b1f }
}
"""


def table(board: Leaderboard) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heads and rows: trial, a column a path, the objective, how far behind the best, what is to be said."""
    paths = tuple(dict.fromkeys(path for row in board.rows for path in row.settings))
    heads = ("trial", *(_short(path, paths) for path in paths), board.objective, "best − this", "time", "")
    return heads, [
        (
            str(row.trial),
            *(text_of(row.settings[path]) if path in row.settings else "as is" for path in paths),
            interval(row.metric),
            _difference(row.behind),
            f"{row.seconds:.0f} s",
            _said(row),
        )
        for row in board.rows
    ]


def page(board: Leaderboard) -> str:
    """The whole leaderboard."""
    heads, rows = table(board)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Sweep</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>{escape(board.best.name)}</h1>"
        f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in board.notes)}</ul>"
        f"<table>{_cells('th', heads)}{''.join(_lines(board, rows))}</table></html>"
    )


def _lines(board: Leaderboard, rows: list[tuple[str, ...]]) -> Iterator[str]:
    for row, cells in zip(board.rows, rows, strict=True):
        yield _cells("td", cells, ' class="tied"' if row.tied else "")


def _cells(tag: str, cells: tuple[str, ...], more: str = "") -> str:
    return f"<tr{more}>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _short(path: str, paths: tuple[str, ...]) -> str:
    """The last word of a path, where no other path ends alike."""
    last = path.rpartition(".")[2]
    return path if sum(one.rpartition(".")[2] == last for one in paths) > 1 else last


def _difference(behind: Comparison | None) -> str:
    return f"{behind.difference:+.3f} [{behind.low:+.3f}, {behind.high:+.3f}]" if behind else "–"


def _said(row: Row) -> str:
    if row.state != "complete":
        return f"pruned {row.problem}" if row.state == "pruned" else f"failed: {row.problem}"
    if row.behind is None:
        return "best"
    return "not distinguishable" if row.tied else "worse"
