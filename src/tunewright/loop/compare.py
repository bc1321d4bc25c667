"""Two reports of a project side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Frozen, Report
from tunewright.runtime import plugins
from tunewright.runtime.workspace import Workspace


class Row(Frozen):
    """One metric of one candidate in both reports; None where a report has no such figure."""

    candidate: str
    metric: str
    first: float | None
    second: float | None


def compare(first: Report, second: Report) -> tuple[Row, ...]:
    """Every metric of every candidate of either report, in the order of the reports."""
    return tuple(_rows(first, second))


def pick(
    workspace: Workspace, asked: tuple[str | None, str | None], newest: Sequence[str]
) -> tuple[Report, Report]:
    """Two reports by id, else the two newest, the older one first; raises `WorkspaceError`."""
    first, second = asked
    return (
        _report(workspace, first or _of(newest, 1), newest),
        _report(workspace, second or _of(newest, 0), newest),
    )


def _report(workspace: Workspace, report_id: str, known: Sequence[str]) -> Report:
    found = None if "/" in report_id else workspace.find(report_id, Report)
    if found is None:
        problem = plugins.unknown(report_id, tuple(known), where="compare", noun="report")
        raise WorkspaceError(problems=[problem])
    return found


def _of(ids: Sequence[str], place: int) -> str:
    if place >= len(ids):
        raise WorkspaceError(
            "there are not two reports to compare yet",
            where="compare",
            fix="change the spec and run again; `tunewright show runs` lists what there is",
        )
    return ids[place]


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
