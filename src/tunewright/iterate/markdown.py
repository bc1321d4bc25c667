"""The proposal as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import Change, FailureGroup, Report
from tunewright.runtime.measure.plain import plain


def to_markdown(
    report: Report, failures: int, groups: Sequence[FailureGroup], changes: Sequence[Change]
) -> str:
    """Proposed changes first, then what they rest on."""
    return "\n".join(_page(report, failures, groups, changes)) + "\n"


def _page(
    report: Report, failures: int, groups: Sequence[FailureGroup], changes: Sequence[Change]
) -> Iterator[str]:
    yield from ("# Proposal for the next round", "")
    yield f"{failures} of {report.test_examples} test questions were answered wrongly by "
    yield f"`{report.verdict.candidate}` (report `{report.id}`, verdict: {report.verdict.word})."
    yield from ("", "## Changes", "")
    for change in changes:
        value = "" if change.value is None else f" = {change.value}"
        yield f"- `{change.path}{value}`: {plain(change.why)}"
    if not changes:
        yield "Nothing in the evidence asks for a change."
    yield from ("", "## Failures by confusion")
    for group in groups:
        yield from ("", f"### {plain(group.name)}: {group.count} ({group.share:.0%})", "")
        for failure in group.examples:
            yield f"- {plain(failure.text)} (`{failure.example}`)"
