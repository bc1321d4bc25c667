"""Make a project folder: from a starter, or from answers to a few questions."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import yaml

from tunewright.core.errors import SpecError
from tunewright.core.types import TaskType
from tunewright.loop.spec import FILE, Spec
from tunewright.runtime import plugins
from tunewright.runtime.workspace import atomic_write, writable

_STARTERS = "starters"


def starters() -> tuple[str, ...]:
    """Names of the starters that come with the package."""
    room = resources.files("tunewright.define").joinpath(_STARTERS)
    return tuple(sorted(item.name for item in room.iterdir() if item.joinpath(FILE).is_file()))


def from_starter(folder: Path, starter: str) -> Spec:
    """Copy a starter, spec and example data, into a new folder; raises `SpecError`."""
    if starter not in starters():
        raise SpecError(problems=[plugins.unknown(starter, starters(), where="--starter", noun="starter")])
    refuse_to_overwrite(folder)
    source = resources.files("tunewright.define").joinpath(_STARTERS, starter)
    with resources.as_file(source) as found, writable(folder):
        shutil.copytree(found, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".tunewright"))
    return Spec.read(folder / FILE)


def from_answers(
    folder: Path, *, objective: str, task: TaskType, source: str, metric: str, at_least: float
) -> Spec:
    """Write a spec from what a person said; raises `SpecError` with all that is wrong with it."""
    refuse_to_overwrite(folder)
    values = {
        "name": "".join(letter if letter.isalnum() else "-" for letter in folder.resolve().name.lower()),
        "define": {
            "objective": objective,
            "task": task,
            "targets": [{"metric": metric, "at_least": at_least}],
        },
        "data": {"sources": [source]},
    }
    spec = Spec.parse(values)
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)
        atomic_write(folder / FILE, text.encode())
    return spec


def refuse_to_overwrite(folder: Path) -> None:
    """Raise `SpecError` if a project stands in the folder already."""
    if (folder / FILE).exists():
        raise SpecError(
            "there is a project here already",
            where=str(folder / FILE),
            fix="choose another folder, or edit that file and run `tunewright check`",
        )
