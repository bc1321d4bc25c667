"""Two reports of a project side by side."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.core.types import Frozen, Report


class Row(Frozen):
    """One metric of one candidate in both reports; None where a report has no such figure."""

    candidate: str
    metric: str
    first: float | None
    second: float | None


def compare(first: Report, second: Report) -> tuple[Row, ...]:
    """Every metric of every candidate of either report, in the order of the reports."""
    return tuple(_rows(first, second))


def _rows(first: Report, second: Report) -> Iterator[Row]:
    left, right = _values(first), _values(second)
    for candidate, metric in {**left, **right}:
        yield Row(
            candidate=candidate,
            metric=metric,
            first=left.get((candidate, metric)),
            second=right.get((candidate, metric)),
        )


def _values(report: Report) -> dict[tuple[str, str], float]:
    return {
        (result.name, metric.name): metric.value for result in report.results for metric in result.metrics
    }
