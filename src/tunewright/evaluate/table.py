"""The report's table as plain cells, for every face and format."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.core.types import CandidateResult, Metric, Report
from tunewright.runtime.measure.names import LATENCY, WITHOUT_NEAR_DUPLICATES


@dataclass(frozen=True)
class Row:
    """One candidate: a cell a column, as a person reads it."""

    candidate: str
    cells: tuple[str, ...]
    chosen: bool = False
    """True for the candidate that the verdict is about."""


def render_table(report: Report) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The heads of the columns after the candidate's name, and a row a candidate."""
    names = columns(report)
    heads = (*(name.replace("_", " ") for name in names), "latency p50", "p95", "tokens an answer")
    return heads, tuple(_row(report, result, names) for result in report.results)


def columns(report: Report) -> tuple[str, ...]:
    """Metrics worth a column: without near-duplicates the main one alone, latency has its own."""
    every = dict.fromkeys(metric.name for result in report.results for metric in result.metrics)
    second = [name for name in every if name.endswith(WITHOUT_NEAR_DUPLICATES)]
    return tuple(name for name in every if name not in second[1:] and name not in LATENCY)


def _row(report: Report, result: CandidateResult, names: tuple[str, ...]) -> Row:
    cells = (
        *(interval(result.metric(name)) for name in names),
        seconds(result.latency_p50),
        seconds(result.latency_p95),
        "–" if result.tokens_per_answer is None else f"{result.tokens_per_answer:.1f}",
    )
    return Row(result.name, cells, chosen=result.name == report.verdict.candidate)


def interval(metric: Metric | None) -> str:
    """`0.912 [0.888, 0.934]`, or a dash where it was not measured."""
    if metric is None:
        return "–"
    if metric.name in LATENCY:
        return f"{seconds(metric.value)} [{seconds(metric.low)}, {seconds(metric.high)}]"
    return f"{metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}]"


def seconds(value: float | None) -> str:
    """A time in the unit that suits it."""
    if value is None:
        return "–"
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    return f"{value * 1e3:.3g} ms" if value < 1 else f"{value:.2f} s"


def probability(p_value: float) -> str:
    """A p-value with as many digits as mean something."""
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}"
