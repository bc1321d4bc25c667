"""What more examples are worth: the learning curve of a project, by a cheap learner or by real training."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright import train
from tunewright.core.errors import DataError, SpecError, WorkspaceError
from tunewright.core.types import Checkpoint, Dataset, Task
from tunewright.data import curve as measured
from tunewright.data.curve import LearningCurve, Point
from tunewright.loop.line import WORKSPACE, Outcome
from tunewright.loop.step import Stepper
from tunewright.runtime import events, examples, models, settings
from tunewright.runtime.context import Context
from tunewright.runtime.events import Emit
from tunewright.runtime.lazy import require
from tunewright.runtime.workspace import Workspace

if TYPE_CHECKING:
    from tunewright.loop.spec import Spec

SIZES = 3
"""Training runs of a curve for text: with a quarter, a half, and all of the examples."""
SMALLEST = 10
"""Training examples of the smallest of them, at the least."""
FEWEST = SMALLEST << (SIZES - 1)


def by_labels(project: Path, spec: Spec, made: Outcome, more: int, listen: Emit) -> LearningCurve:
    """The curve of a cheap learner on the training examples, measured on the validation split.

    Raises `SpecError` for a data set without labels and `DataError` for one that is too small.
    """
    _, dataset = _data(made, project)
    if not dataset.labels:
        raise SpecError(
            "without labels only training itself can tell what more examples are worth",
            where="curve",
            fix="`tunewright curve --train` trains with a quarter, a half and all of the examples",
        )

    def told(done: int, total: int) -> None:
        listen(events.event("progress", "curve", "learning curve", done=done, total=total))

    known, held_out = examples.read(dataset, "train"), examples.read(dataset, "validation")
    found = measured.label_curve(known, held_out, more=more, seed=spec.seed, told=told)
    if found is None:
        raise DataError(
            f"{len(known)} training and {len(held_out)} validation examples are too few for a curve of "
            f"{len(dataset.labels)} labels",
            where=dataset.id,
            fix=f"give {measured.FEWEST_HELD_OUT} validation examples, and eight of each label to train on",
        )
    return found


def by_training(project: Path, spec: Spec, made: Outcome, more: int, listen: Emit) -> LearningCurve:
    """The curve of the model itself: the train step on nested subsets, by validation loss.

    Each run is a step like any other: what is made is not made again, and a stopped one goes on. The run with
    all examples is the one of the line. Raises `DataError` for fewer than 40 training examples.
    """
    task, dataset = _data(made, project)
    stepper = Stepper(
        project=project,
        workspace=Workspace(project / WORKSPACE),
        settings=settings.read(),
        seed=spec.seed,
        emit=listen,
        should_stop=lambda: False,
    )
    count = dataset.counts["train"]
    if count < FEWEST:
        raise DataError(
            f"{count} training examples are too few for a curve",
            where=dataset.id,
            fix=f"give at least {FEWEST}",
        )
    points = list(_points(stepper, spec, task, dataset))
    stats = require("tunewright.core.stats", extra="all")
    laws = stats.power_laws(
        [point.examples for point in points],
        [point.value for point in points],
        [0.0] * len(points),
        seed=spec.seed,
    )
    counts = (count, more, dataset.counts["validation"])
    return measured.conclude(
        "validation loss", f"{spec.train.method.name} of {spec.model}", points, laws, counts
    )


def _data(made: Outcome, project: Path) -> tuple[Task, Dataset]:
    if made.task is None or made.dataset is None:
        raise WorkspaceError(
            "there is no data set yet", where=str(project), fix="`tunewright run --only data` makes it"
        )
    return made.task, made.dataset


def _points(stepper: Stepper, spec: Spec, task: Task, dataset: Dataset) -> Iterator[Point]:
    base = models.resolve(models.of_project(spec.model, stepper.project), stepper.settings, stepper.emit)
    once = spec.train.rounds[0]
    recipe = train.fingerprint(once, stepper.project)
    count = dataset.counts["train"]
    for size in measured.sizes_up_to(count, SMALLEST, SIZES):
        part = dataset if size == count else stepper.step(f"{size} examples", subset, {}, dataset, size)
        tuned = stepper.step(f"train on {size}", train.run, recipe, once, base, part, task)
        yield Point(examples=size, value=_loss(tuned), spread=0.0, repeats=1)


def subset(context: Context, dataset: Dataset, size: int) -> Dataset:
    """The data set with so many of its training examples; a smaller one is part of a larger one."""
    known = examples.read(dataset, "train")
    chosen = sorted(random.Random(context.seed).sample(range(len(known)), len(known))[:size])
    examples.write([known[place] for place in chosen], context.folder / "train.parquet")
    for split in ("validation", "test"):
        shutil.copyfile(dataset.path / f"{split}.parquet", context.folder / f"{split}.parquet")
    kept = dataset.model_dump(include={"labels", "formats", "overlaps", "sources"})
    return context.seal(Dataset, **{**kept, "counts": {**dataset.counts, "train": size}})


def _loss(checkpoint: Checkpoint) -> float:
    loss = checkpoint.metrics.get("validation_loss")
    if loss is None:
        raise DataError(
            "this training looked at no validation example, so there is no loss to compare",
            where=checkpoint.id,
            fix="give the data set a validation split: `data.split.validation`",
        )
    return loss
