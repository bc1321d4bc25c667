"""The straight line: define, data, baselines, train, evaluate, deploy, iterate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from tunewright import data, define, deploy, evaluate, iterate, train
from tunewright.core.errors import SpecError
from tunewright.core.types import (
    Artifact,
    Checkpoint,
    Dataset,
    Frozen,
    Problem,
    Proposal,
    Release,
    Report,
    Task,
)
from tunewright.deploy import registry
from tunewright.loop.spec import Spec
from tunewright.loop.step import Stepper
from tunewright.runtime import events, models
from tunewright.runtime import settings as environment
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace

StepName = Literal["define", "data", "baselines", "train", "evaluate", "deploy", "iterate"]
STEPS: tuple[StepName, ...] = get_args(StepName)
MAKES: dict[str, str] = {
    "define": "task",
    "data": "dataset",
    "baselines": "baselines",
    "train": "checkpoint",
    "evaluate": "report",
    "deploy": "release",
    "iterate": "proposal",
}
"""Field of the outcome that each step fills."""
WORKSPACE = ".tunewright"


class Outcome(Frozen):
    """What a walk made, one field a step; None where it did not get that far."""

    task: Task | None = None
    dataset: Dataset | None = None
    baselines: Report | None = None
    checkpoint: Checkpoint | None = None
    report: Report | None = None
    release: Release | None = None
    proposal: Proposal | None = None

    def artifacts(self) -> dict[str, Artifact]:
        """The artifacts by the name of their field."""
        return {name: artifact for name, artifact in self if artifact is not None}


def walk(
    project: Path,
    spec: Spec,
    *,
    only: StepName | None = None,
    since: float = 0.0,
    emit: Emit = events.ignore,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Walk the line in this process, up to and including the step `only` if it is given."""
    stepper = Stepper(
        project=project,
        workspace=Workspace(project / WORKSPACE),
        settings=environment.read(),
        seed=spec.seed,
        emit=emit,
        should_stop=should_stop,
        since=since,
    )
    outcome = Outcome()
    for name, artifact in _line(stepper, spec, only):
        outcome = outcome.model_copy(update={MAKES[name]: artifact})
        if name == (only or STEPS[-1]):
            break
    return outcome


def rounds(stepper: Stepper, spec: Spec, base: Checkpoint, dataset: Dataset, task: Task) -> Checkpoint:
    """The base model after every round of training; one that makes a reward model serves those behind it."""
    tuned, rater = base, None
    for once in spec.train.rounds:
        reads = train.fingerprint(once, stepper.project)
        made = stepper.step("train", train.run, reads, once, tuned, dataset, task, rater)
        tuned, rater = (tuned, made) if train.rates(once) else (made, rater)
    return tuned


def _line(stepper: Stepper, spec: Spec, only: StepName | None) -> Iterator[tuple[StepName, Artifact]]:
    """Every step in order; whoever walks it stops where it likes."""
    step, project = stepper.step, stepper.project

    task = step("define", define.run, define.fingerprint(spec.define, project), spec.define)
    yield "define", task

    dataset = step("data", data.run, data.fingerprint(spec.data, project), spec.data, task)
    yield "data", dataset

    base = models.resolve(models.of_project(spec.model, project), stepper.settings, stepper.emit)
    ladder = evaluate.fingerprint(spec.evaluate, project)
    measured = stepper.known("baselines", evaluate.run, ladder, spec.evaluate, task, dataset, base, None)
    if only != "baselines" and not measured:  # else the training is next, and says so itself
        _refuse(spec, base, dataset, task)
    yield "baselines", step("baselines", evaluate.run, ladder, spec.evaluate, task, dataset, base, None)

    tuned = rounds(stepper, spec, base, dataset, task)
    yield "train", tuned

    report = step("evaluate", evaluate.run, ladder, spec.evaluate, task, dataset, base, tuned)
    yield "evaluate", report

    packing = deploy.fingerprint(spec.deploy, project)
    release = step("deploy", deploy.run, packing, spec.deploy, tuned, report, dataset)
    registry.register(stepper.workspace, release)  # also one that is reused: it is the one to serve now
    yield "deploy", release

    review = iterate.fingerprint(spec.iterate, project)
    yield "iterate", step("iterate", iterate.run, review, spec.iterate, report, dataset)


def _refuse(spec: Spec, base: Checkpoint, dataset: Dataset, task: Task) -> None:
    """Raise all that is known of the data to stop the training, before baselines are measured."""
    problems: list[Problem] = []
    for depth, once in enumerate(spec.train.rounds):
        found = train.lint(train.examine(once, base, dataset, task, ""))
        told = [train.in_round(one, depth) for one in found if one.fatal]
        problems += [one for one in told if one not in problems]
    if problems:
        raise SpecError(problems=problems)
