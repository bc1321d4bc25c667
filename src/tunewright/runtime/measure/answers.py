"""Answers beside a report: what every candidate answered to every test question."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Frozen, Report
from tunewright.runtime.workspace import atomic_write


class Answer(Frozen):
    """One answer of a candidate to a test question, and whether it was right."""

    example: str
    """Id of the test example."""
    text: str
    """The question: the last user turn."""
    expected: str
    answered: str
    value: float
    """Score by the metric that candidates are compared by."""
    correct: bool
    tags: tuple[str, ...] = ()


def write_answers(folder: Path, candidate: str, answers: Iterable[Answer]) -> None:
    """Write `answers/<candidate>.jsonl` below the folder of a report."""
    path = _file(folder, candidate)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, "".join(answer.model_dump_json() + "\n" for answer in answers).encode())


def read_answers(report: Report, candidate: str) -> list[Answer]:
    """The candidate's answers to the test set; raises `WorkspaceError` if they cannot be read."""
    path = _file(report.path, candidate)
    try:
        # Only "\n" ends a line: a question may hold other line separators.
        lines = path.read_text(encoding="utf-8").split("\n")
        return [Answer.model_validate_json(line) for line in lines if line]
    except (OSError, ValidationError) as error:
        raise WorkspaceError(
            f"the answers of `{candidate}` cannot be read",
            where=str(path),
            fix="delete the report's folder; the next run makes it again",
        ) from error


def _file(folder: Path, candidate: str) -> Path:
    return folder / "answers" / f"{re.sub(r'[^A-Za-z0-9._-]', '_', candidate)}.jsonl"
