"""How an error looks: what, where, and a hint."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Problem


def show_error(error: TunewrightError) -> None:
    """Write every problem of an error to standard error."""
    sys.stderr.write(written(error.problems))


def written(problems: Iterable[Problem]) -> str:
    """The problems as text, readable without colour."""
    return "\n".join(_one(problem) for problem in problems)


def _one(problem: Problem) -> str:
    lines = [f"{'error' if problem.fatal else 'warning'}: {problem.what}"]
    if problem.where:
        lines.append(f"  at {problem.where}")
    if problem.fix:
        lines += ["", f"hint: {problem.fix}"]
    return "\n".join(lines) + "\n"
