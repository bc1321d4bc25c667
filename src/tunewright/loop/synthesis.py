"""Synthetic examples for a project: from its data set and spec, into a file that a person looks at."""

from __future__ import annotations

from pathlib import Path

from tunewright import data
from tunewright.core.types import Dataset
from tunewright.data import Synthesis, SynthesisSpec
from tunewright.data.synthetic.draft import Ground
from tunewright.loop.spec import Spec
from tunewright.runtime import examples, models
from tunewright.runtime import settings as environment
from tunewright.runtime.context import Context
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace

STEP = "synthesise"


def synthesise(
    project: Path, workspace: Workspace, spec: Spec, dataset: Dataset | None, order: SynthesisSpec, emit: Emit
) -> Synthesis:
    """Make the examples of an order; raises with every problem at once before anybody is asked."""
    settings = environment.read()
    context = Context(
        project=project,
        workspace=workspace,
        settings=settings,
        step=STEP,
        artifact_id=STEP,
        folder=workspace.partial / STEP,
        seed=spec.seed,
        emit=emit,
    )
    ground = _ground(spec, dataset)
    model = order.model and models.of_project(order.model, project)
    order = order.model_copy(update={"model": model})
    checkpoint = models.resolve(model, settings, emit) if model and not tuple(models.check(model)) else None
    return data.synthesise(context, order, spec.data, ground, checkpoint)


def _ground(spec: Spec, dataset: Dataset | None) -> Ground:
    told = spec.define
    base = Ground(task=told.task, objective=told.instruction or told.objective, near=spec.data.split.near)
    if dataset is None:
        return base
    evaluated = [one for split in ("validation", "test") for one in examples.read(dataset, split)]
    return Ground(
        task=base.task,
        objective=base.objective,
        labels=dataset.labels,
        train=tuple(examples.read(dataset, "train")),
        evaluated=tuple(evaluated),
        near=base.near,
    )
