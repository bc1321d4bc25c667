"""The line of the stage: failures, grouped; contradictions; changes, with their evidence."""

from __future__ import annotations

from pathlib import Path

from tunewright.core.types import CandidateResult, Dataset, Proposal, Report
from tunewright.iterate import changes
from tunewright.iterate.contradictions import contradictions
from tunewright.iterate.failures import grouped
from tunewright.iterate.markdown import to_markdown
from tunewright.iterate.spec import IterateSpec
from tunewright.runtime import examples
from tunewright.runtime.context import Context
from tunewright.runtime.measure import read_answers
from tunewright.runtime.measure.losses import read_losses
from tunewright.runtime.workspace import atomic_write

VERSION = "1"
"""Raised when a change of the stage makes earlier artifacts stale."""


def run(context: Context, spec: IterateSpec, report: Report, dataset: Dataset) -> Proposal:
    """What failed in the report's test, and what the next spec should change."""
    result = _judged(report)
    answers = read_answers(report, result.name) if result else []
    train = examples.of_task(dataset)
    groups = grouped(answers, report.labels, most=spec.examples)
    suspected = contradictions(answers, train, spec.similarity) if report.labels else ()
    proposed = (
        *changes.more_test_examples(report),
        *changes.train_longer(read_losses(report.path)),
        *changes.mend_labels(suspected),
        *changes.tell_apart(groups),
        *(changes.more_examples(result, train, spec.classes) if result else ()),
    )
    shown = groups[: spec.groups]
    failures = sum(not answer.correct for answer in answers)
    page = to_markdown(report, failures, shown, proposed)
    atomic_write(context.folder / "proposal.md", page.encode())
    return context.seal(Proposal, report=report.id, failures=failures, groups=shown, changes=proposed)


def _judged(report: Report) -> CandidateResult | None:
    """The candidate that the verdict is about."""
    return next((result for result in report.results if result.name == report.verdict.candidate), None)


def fingerprint(spec: IterateSpec, project: Path) -> dict[str, str]:
    """Nothing outside the spec and the inputs is read; the version of the stage counts."""
    del spec, project
    return {"iterate": VERSION}
