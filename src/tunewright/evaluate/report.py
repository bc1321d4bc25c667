"""The report's files: answers of every candidate, Markdown, one self-contained page."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from tunewright.core.types import Checkpoint, Report
from tunewright.evaluate.html import to_html
from tunewright.evaluate.markdown import to_markdown
from tunewright.evaluate.results import Measured
from tunewright.runtime.measure import write_answers
from tunewright.runtime.measure.losses import Losses, read_losses, write_losses
from tunewright.runtime.workspace import atomic_write

MARKDOWN = "report.md"
HTML = "report.html"


def write(report: Report, measured: Sequence[Measured], tuned: Checkpoint | None) -> None:
    """Write everything below the report's folder; the artifact's own manifest is the JSON form."""
    folder = report.path
    shutil.rmtree(folder / "answers", ignore_errors=True)
    for one in measured:
        write_answers(folder, one.result.name, one.answers)
    losses = read_losses(tuned.path) if tuned is not None else Losses()
    if losses.training or losses.validation:
        write_losses(folder, losses)
    atomic_write(folder / MARKDOWN, to_markdown(report).encode())
    atomic_write(folder / HTML, to_html(report, measured, losses).encode())
