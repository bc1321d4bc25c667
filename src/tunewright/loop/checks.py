"""Everything that can be known to be wrong before anything is spent, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunewright import data, define, deploy, evaluate, iterate, train
from tunewright.core.types import Problem
from tunewright.loop.line import model_of
from tunewright.runtime import models

_SECTIONS: dict[str, Callable[[Any, Path], Iterator[Problem]]] = {
    "model": lambda name, project: models.check(model_of(name, project)),
    "define": lambda spec, _: define.check(spec),
    "data": data.check,
    "train": lambda spec, _: train.check(spec),
    "evaluate": lambda spec, _: evaluate.check(spec),
    "deploy": lambda spec, _: deploy.check(spec),
    "iterate": lambda spec, _: iterate.check(spec),
}


def check(sections: Mapping[str, Any], project: Path) -> Iterator[Problem]:
    """Problems of the sections that are given, by their names in the spec, in its order."""
    for name, problems in _SECTIONS.items():
        if name in sections:
            yield from problems(sections[name], project)
