"""The spec of one trial: that of the project, changed at some paths."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tunewright.core.errors import SpecError
from tunewright.core.types import Problem, Split
from tunewright.loop.paths import put
from tunewright.loop.spec import Spec
from tunewright.loop.sweep.spec import SweepSpec, Values
from tunewright.runtime.plugins import Named

Settings = Mapping[str, Any]
"""Path of the spec → value."""

TUNED = "tuned"
"""Name of the candidate in the report of a trial."""
_WHERE = "sweep.paths"
_NOT_COMPARABLE = "trials could no longer be compared"
REFUSED: dict[str, str] = {
    "seed": "it decides how the examples are split: " + _NOT_COMPARABLE,
    "data.split": "it decides which examples validate: " + _NOT_COMPARABLE,
    "data.validation": "it decides which examples validate: " + _NOT_COMPARABLE,
    "data.test": "what is held out must be the same for all: " + _NOT_COMPARABLE,
    "define.task": "it decides what is measured: " + _NOT_COMPARABLE,
    "define.metrics": "it decides what is measured: " + _NOT_COMPARABLE,
    "define.targets": "a promise changes no answer",
    "evaluate": "it decides how is measured: " + _NOT_COMPARABLE,
    "deploy": "it comes after the training and changes no answer",
    "iterate": "it comes after the training and changes no answer",
    "name": "it changes no answer",
    "sweep": "a sweep cannot try itself",
}
"""Paths that no sweep can try, and why; so is everything below them."""


def changed(spec: Spec, settings: Settings) -> Spec:
    """The spec with these settings, and no sweep in it; raises `SpecError` with every problem."""
    values = spec.model_dump(mode="json", exclude_unset=True, exclude={"sweep"})
    problems = []
    for path, value in in_order(settings):
        try:
            put(values, Spec, path, value)
        except ValueError:
            problems.append(_through(path))
    if problems:
        raise SpecError(problems=problems)
    return Spec.parse(values, where=_WHERE)


def of_trial(spec: Spec, settings: Settings, split: Split) -> Spec:
    """What a trial's process is given: the changed spec, its evaluation the tuned model alone on a split.

    On the test part as many questions as the project asks there; no latency is taken.
    """
    made, sweep = changed(spec, settings), spec.sweep
    how = made.evaluate
    known = {scorer.name for scorer in how.scorers}
    more = () if sweep.objective in (None, *known) else (Named(name=str(sweep.objective)),)
    measured = how.model_copy(
        update={
            "candidates": (TUNED,),
            "latency_examples": 0,
            "scorers": (*how.scorers, *more),
            "test_examples": how.test_examples if split == "test" else sweep.examples,
        }
    )
    return made.model_copy(update={"evaluate": measured})


def in_order(settings: Settings) -> list[tuple[str, Any]]:
    """Shorter paths first: a plug-in is chosen before its options are."""
    return sorted(settings.items(), key=lambda one: one[0].count("."))


def refused(path: str) -> str | None:
    """Why a path cannot be tried, or None."""
    return next((why for at, why in REFUSED.items() if path == at or path.startswith(f"{at}.")), None)


def combinations(sweep: SweepSpec) -> int | None:
    """Number of different settings; None where a range makes them uncountable."""
    if any(values.ends is not None for values in sweep.paths.values()):
        return None
    return math.prod(len(values.choices) for values in sweep.paths.values())


def extremes(sweep: SweepSpec) -> Iterator[dict[str, Any]]:
    """Settings that have to be valid: every choice and both ends of each path, the others left alone.

    Options of a plug-in are tried with every plug-in that is tried.
    """
    for path, values in sweep.paths.items():
        above = [one for one in sweep.paths if path.startswith(f"{one}.")]
        grounds: list[dict[str, Any]] = [{}]
        for one in above:
            grounds = [{**ground, one: value} for ground in grounds for value in sweep.paths[one].extremes]
        yield from ({**ground, path: value} for ground in grounds for value in values.extremes)


def drawn(values: Values, number: float) -> int | float:
    """A number of a range as it is written into a spec: three digits are as much as a rate means."""
    if isinstance(number, int) or values.ends is None:
        return number
    low, high = values.ends
    digits = 3 if values.step is None else 10
    return min(max(float(f"{number:.{digits}g}"), float(low)), float(high))


def text_of(value: object) -> str:
    """A value on one line of YAML."""
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=1 << 20).strip()[1:-1]


def _through(path: str) -> Problem:
    return Problem(where=f"{_WHERE}.{path}", what=f"`{path}` leads through a value", fix="shorten the path")
