"""Everything that is wrong with a sweep, before anything is trained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from tunewright.core.errors import SpecError
from tunewright.core.types import Problem
from tunewright.define.metrics import default_metrics
from tunewright.loop import checks
from tunewright.loop.spec import Spec
from tunewright.loop.sweep.settings import Settings, changed, extremes, refused
from tunewright.loop.sweep.spec import Values
from tunewright.runtime import plugins

MANY_UNITS = re.compile(r"model|train(\.then)*(\.method(\..*)?)?")
"""Paths whose values have losses that cannot be compared: other tokens, another loss, of any round."""


def check(spec: Spec, project: Path) -> Iterator[Problem]:
    """Every problem of the section `sweep`: of each path, of each of its values, of the objective."""
    yield from _objective(spec)
    yield from _workers(spec)
    known = {problem.what for problem in _of(spec, {}, project)}
    wrong = [path for path in spec.sweep.paths if refused(path)]
    for path in wrong:
        yield Problem(
            where=f"sweep.paths.{path}", what=f"`{path}` cannot be tried: {refused(path)}", fix="leave it out"
        )
    lost = [path for path in spec.sweep.paths if _rounds(path) > len(spec.train.rounds)]
    for path in lost:
        yield Problem(
            where=f"sweep.paths.{path}",
            what=f"the spec has {len(spec.train.rounds)} round(s) of training, and the path is of another",
            fix="say the round under `train.then`, or leave the path out",
        )
    wrong += lost
    told: set[str] = set()
    for settings in extremes(spec.sweep):
        if any(path in wrong for path in settings):
            continue
        for problem in _of(spec, settings, project):
            if problem.what not in known | told:
                told.add(problem.what)
                yield problem


def check_values(values: object, project: Path) -> Iterator[Problem]:
    """Problems of the paths that can be read, of plain values that do not hold as a whole; else nothing."""
    given = values if isinstance(values, dict) else {}
    section = given.get("sweep")
    paths = section.get("paths") if isinstance(section, dict) else None
    if not isinstance(paths, dict):
        return
    read = {path: tried for path, tried in paths.items() if _readable(tried)}
    with suppress(SpecError):
        goal = section.get("objective") if isinstance(section, dict) else None
        named = {"objective": goal} if isinstance(goal, str) else {}
        yield from check(Spec.parse({**given, "sweep": {"paths": read, **named}}), project)


def _rounds(path: str) -> int:
    """Rounds of training there have to be for a path into one of them; `train.then` itself makes one."""
    parts = path.split(".")
    depth = 1
    while len(parts) > depth + 1 and parts[0] == "train" and parts[depth] == "then":
        depth += 1
    return depth


def _readable(tried: object) -> bool:
    try:
        Values.model_validate(tried)
    except ValidationError:
        return False
    return True


def check_given(spec: Spec) -> Iterator[Problem]:
    """What only a sweep needs: something to try."""
    if not spec.sweep.paths:
        yield Problem(
            where="sweep.paths",
            what="the spec does not say what to try",
            fix="`sweep: {paths: {train.learning_rate: {low: 1e-4, high: 1e-2, log: true}}}`",
        )


def losses_compare(spec: Spec) -> bool:
    """Whether the validation losses of all trials have one unit; if not, shares of exact answers count."""
    return not any(map(MANY_UNITS.fullmatch, spec.sweep.paths))


def _of(spec: Spec, settings: Settings, project: Path) -> Iterator[Problem]:
    """Fatal problems of the spec with these settings, each at the path that brings it."""
    last = next(reversed(list(settings)), "")
    try:
        made = changed(spec, settings)
    except SpecError as error:
        found = error.problems
    else:
        found = tuple(problem for problem in checks.check(dict(made), project) if problem.fatal)
    for problem in found:
        yield problem.model_copy(update={"where": f"sweep.paths.{last}"}) if last else problem


def _objective(spec: Spec) -> Iterator[Problem]:
    name = spec.sweep.objective
    known = (*default_metrics(spec.define.task), *plugins.names("scorers"))
    if name is not None and name not in known:
        yield plugins.unknown(name, tuple(dict.fromkeys(known)), where="sweep.objective", noun="metric")


def _workers(spec: Spec) -> Iterator[Problem]:
    trials = spec.sweep.trials
    if spec.sweep.workers > trials:
        yield Problem(
            where="sweep.workers",
            what=f"{spec.sweep.workers} workers have only {trials} trials",
            fix="more trials, or fewer workers",
            fatal=False,
        )
