"""A release as something that can be opened and asked, and whether the report allows it."""

from __future__ import annotations

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Release, Report, VerdictWord


def as_checkpoint(release: Release) -> Checkpoint:
    """The packed model as a checkpoint, of the tuner where its form is the adapter; raises `DeployError`."""
    folder = release.path / release.form
    if not folder.is_dir():
        raise DeployError(
            f"the release has lost what was packed (its form is `{release.form}`)",
            where=str(release.path),
            fix="delete its folder and run again",
        )
    return Checkpoint(
        id=release.id,
        path=folder,
        digest=release.digest,
        parents=release.parents,
        base=release.base,
        tuner=release.tuner,
        template_sha256=release.template_sha256,
        instruction=release.instruction,
        labels=release.labels,
    )


def objections(checkpoint: Checkpoint, report: Report, allow: tuple[VerdictWord, ...]) -> tuple[str, ...]:
    """Why the report does not allow the release; empty if it does."""
    result = next((r for r in report.results if r.checkpoint == checkpoint.id and r.kind == "tuned"), None)
    if result is None:
        return ("the report says nothing about this checkpoint",)
    found = []
    if not report.complete:
        found.append("the report is not complete")
    if report.verdict.word not in allow:
        found.append("; ".join([f"the verdict is `{report.verdict.word}`", *report.verdict.reasons]))
    elif report.verdict.candidate not in (None, result.name):
        found.append(f"the verdict is about `{report.verdict.candidate}`, not `{result.name}`")
    return tuple(found)
