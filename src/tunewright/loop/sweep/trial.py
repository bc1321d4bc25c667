"""One trial, in a process of its own: train with its settings, answer the questions, measure.

`python -m tunewright.loop.sweep.trial PROJECT FOLDER SPLIT`: the folder holds the trial's `spec.yaml`.
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import get_args

from tunewright import data, define, evaluate
from tunewright.core.errors import Busy, DataError
from tunewright.core.types import Dataset, Split
from tunewright.loop import jobs
from tunewright.loop.jobs import Run
from tunewright.loop.line import WORKSPACE, rounds
from tunewright.loop.spec import Spec
from tunewright.loop.step import Stepper
from tunewright.runtime import examples, models, settings
from tunewright.runtime.context import Context
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace

MODULE = "tunewright.loop.sweep.trial"
SPEC = "spec.yaml"


def measure(project: Path, split: Split, run: Run, emit: Emit) -> dict[str, str]:
    """Train and measure on a split; ids of `checkpoint` and `report`. What is there is not made again."""
    spec = Spec.read(run.folder / SPEC)
    while True:
        with suppress(Busy):  # a trial beside this one makes the same
            return _measure(project, spec, split, run, emit)
        time.sleep(1.0)


def _measure(project: Path, spec: Spec, split: Split, run: Run, emit: Emit) -> dict[str, str]:
    stepper = Stepper(
        project=project,
        workspace=Workspace(project / WORKSPACE),
        settings=settings.read(),
        seed=spec.seed,
        emit=emit,
        should_stop=partial(jobs.asked_to_stop, run),
    )
    step = stepper.step
    task = step("define", define.run, define.fingerprint(spec.define, project), spec.define)
    dataset = step("data", data.run, data.fingerprint(spec.data, project), spec.data, task)
    base = models.resolve(models.of_project(spec.model, project), stepper.settings, emit)
    tuned = rounds(stepper, spec, base, dataset, task)
    asked = dataset if split == "test" else step("questions", questions, {}, dataset, split)
    how = evaluate.fingerprint(spec.evaluate, project)
    report = step("measure", evaluate.run, how, spec.evaluate, task, asked, base, tuned)
    return {"checkpoint": tuned.id, "report": report.id}


def questions(context: Context, dataset: Dataset, split: Split) -> Dataset:
    """The data set with another split in the place of the test part; raises `DataError` if it is empty."""
    count = dataset.counts.get(split, 0)
    if not count:
        raise DataError(
            f"there is no {split} example to compare trials by",
            where=dataset.id,
            fix="give the data set such a part: `data.split.validation`",
        )
    places: dict[Split, Split] = {"train": "train", "validation": "validation", "test": split}
    for name, source in places.items():
        shutil.copyfile(examples.path_of(dataset, source), context.folder / f"{name}.parquet")
    kept = dataset.model_dump(include={"labels", "formats", "overlaps", "sources"})
    return context.seal(Dataset, **{**kept, "counts": {**dataset.counts, "test": count}})


if __name__ == "__main__":
    _SPLIT: Split = next(one for one in get_args(Split) if one == sys.argv[3])
    _FOLDER = Path(sys.argv[2])
    sys.exit(jobs.child(_FOLDER, partial(measure, Path(sys.argv[1]), _SPLIT)))
