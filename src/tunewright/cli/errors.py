"""How an error looks: what, where, and a hint."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Finding, Problem

_PLACES = 5
"""Places of one problem that are shown; a file in the wrong encoding has it in every line."""


def show_error(error: TunewrightError) -> None:
    """Write every problem of an error to standard error."""
    sys.stderr.write(written(error.problems))


def written(problems: Iterable[Problem]) -> str:
    """The problems as text, readable without colour; one that stands in many places stands once."""
    alike: dict[str, tuple[Problem, list[str]]] = {}
    for problem in problems:
        same = problem.model_dump_json(exclude={"where"})
        alike.setdefault(same, (problem, []))[1].append(problem.where)
    return "\n".join(_one(problem, places) for problem, places in alike.values())


def _one(problem: Problem, places: list[str]) -> str:
    lines = [f"{problem.severity}: {problem.what}"]
    if isinstance(problem, Finding):
        lines.append(f"  effect: {problem.effect}")
    lines += [f"  at {place}" for place in places[:_PLACES] if place]
    if len(places) > _PLACES:
        lines.append(f"  and at {len(places) - _PLACES} places more")
    if problem.fix:
        lines += ["", f"hint: {problem.fix}"]
    return "\n".join(lines) + "\n"
