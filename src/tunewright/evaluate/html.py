"""The report as one HTML page that asks nothing of any other machine."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from tunewright.core.types import CandidateResult, Report
from tunewright.evaluate import plots
from tunewright.evaluate.results import Measured
from tunewright.evaluate.table import columns, interval, probability, render_table
from tunewright.evaluate.verdict import PROMPT_ONLY
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.losses import Losses

TEMPLATE = "report.html.jinja"
FAILURES = 30
"""Wrong answers shown; all of them lie in `answers/`."""
MET = {True: "met", False: "missed", None: "undecided"}


def to_html(report: Report, measured: Sequence[Measured], losses: Losses) -> str:
    """The whole report as one page; everything that people or models wrote is escaped."""
    jinja2 = require("jinja2", extra="all")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"interval": interval, "probability": probability, "met": MET}
    template = environment.from_string(files(__package__).joinpath(TEMPLATE).read_text(encoding="utf-8"))
    heads, rows = render_table(report)
    return str(
        template.render(
            report=report,
            heads=heads,
            rows=rows,
            drawn=_plots(report, losses, require("markupsafe", extra="all").Markup),
            failures=_failures(report, measured),
            shown=FAILURES,
        )
    )


def _plots(report: Report, losses: Losses, safe: Any) -> list[tuple[str, str, Any]]:  # noqa: ANN401 - a class
    """Heading, caption and picture of every plot there is something to draw for."""
    targets = [item.target for item in report.targets]
    drawn = [
        (
            name.replace("_", " "),
            "Dot: value; line: interval.",
            plots.metric_plot(name, report.results, targets),
        )
        for name in columns(report)
        if any(m.value for r in report.results if (m := r.metric(name)))
    ]
    chosen = next((r for r in report.results if r.name == report.verdict.candidate), None)
    if chosen is not None and chosen.per_class:
        other = _other(report, chosen)
        drawn.append(
            (
                f"Classes, {chosen.name}",
                "F1, weakest class first." + (f" The tick is {other.name}." if other else ""),
                plots.class_plot(
                    chosen.per_class, other.per_class if other else (), other.name if other else ""
                ),
            )
        )
    if chosen is not None and report.confusion.get(chosen.name):
        picture = plots.confusion_plot(report.confusion[chosen.name], report.labels)
        drawn.append((f"Confusion, {chosen.name}", "Expected labels down, answered labels across.", picture))
    curve = plots.loss_plot(losses)
    if curve:
        drawn.append(("Loss", "Thin: training; strong with dots: validation.", curve))
    return [(heading, caption, safe(picture)) for heading, caption, picture in drawn]


def _other(report: Report, chosen: CandidateResult) -> CandidateResult | None:
    """The candidate whose classes are shown beside the chosen one: the last prompt-only one."""
    found = [r for r in report.results if r.kind in PROMPT_ONLY and r.name != chosen.name and r.per_class]
    return found[-1] if found else None


def _failures(report: Report, measured: Sequence[Measured]) -> list[Any]:
    chosen = next((m for m in measured if m.result.name == report.verdict.candidate), None)
    return [answer for answer in chosen.answers if not answer.correct] if chosen else []
