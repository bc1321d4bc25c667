"""What all candidates share: the frozen questions, the scorers, and the metric they are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tunewright.core import digest
from tunewright.core.errors import DataError, SpecError
from tunewright.core.types import Completion, Dataset, Example, Problem, Task
from tunewright.evaluate.promises import check_targets
from tunewright.evaluate.spec import EvaluateSpec
from tunewright.runtime import examples, plugins
from tunewright.runtime.context import Context
from tunewright.runtime.measure.names import LATENCY, WITHOUT_NEAR_DUPLICATES
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.plugins import Named


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The same for every candidate."""

    context: Context
    spec: EvaluateSpec
    task: Task
    dataset: Dataset
    scorers: Mapping[str, Scorer]
    """By metric; candidates are compared by the first."""
    validation: Sequence[Example]
    test: Sequence[Example]
    problems: tuple[Problem, ...] = ()
    """What stands in the way of a sure verdict, none of it fatal."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Valid answers, for constrained decoding; empty where answers are free."""
        return self.dataset.labels if self.task.type == "classification" else ()

    @property
    def primary(self) -> str:
        """The metric that candidates are compared by."""
        return next(iter(self.scorers))

    @cached_property
    def train(self) -> list[Example]:
        """The training examples, read when a candidate needs them."""
        return examples.of_task(self.dataset)

    def figure(self, asked: Sequence[Example], completions: Sequence[Completion]) -> float:
        """The primary metric of these answers."""
        scorer = self.scorers[self.primary]
        return scorer.combine([scorer.score(e, c) for e, c in zip(asked, completions, strict=True)])

    def best(self, figures: Sequence[float]) -> int:
        """Place of the best of several figures of the primary metric; the first of equals."""
        sign = 1 if self.scorers[self.primary].higher_is_better else -1
        return max(range(len(figures)), key=lambda place: (sign * figures[place], -place))


def prepare(context: Context, spec: EvaluateSpec, task: Task, dataset: Dataset) -> Bench:
    """Read the questions and open the scorers; raises `SpecError` and `DataError`."""
    scorers = _scorers(spec, task, dataset)
    every = examples.read(dataset, "test")
    test = sample(every, spec.test_examples or len(every))
    if not test:
        raise DataError(
            "the test split is empty", where=str(dataset.path), fix="give `data` more examples to split"
        )
    problems = tuple(check_targets(task, dataset, scorers, len(test)))
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise SpecError(problems=fatal)
    for problem in problems:
        context.tell("warning", problem.what, where=problem.where, fix=problem.fix)
    return Bench(
        context=context,
        spec=spec,
        task=task,
        dataset=dataset,
        scorers=scorers,
        validation=sample(examples.read(dataset, "validation"), spec.validation_examples),
        test=test,
        problems=problems,
    )


def sample(every: Sequence[Example], most: int) -> list[Example]:
    """At most so many examples, in their order; which ones hangs on their ids alone."""
    if len(every) <= most:
        return list(every)
    drawn = {example.id for example in sorted(every, key=lambda e: digest.of_text(e.id))[:most]}
    return [example for example in every if example.id in drawn]


def _scorers(spec: EvaluateSpec, task: Task, dataset: Dataset) -> dict[str, Scorer]:
    """The task's metrics, then those of its targets, then the spec's own; options from the spec."""
    own = {scorer.name: scorer for scorer in spec.scorers}
    promised = [target.metric.removesuffix(WITHOUT_NEAR_DUPLICATES) for target in task.targets]
    known = plugins.names("scorers")
    wanted = dict.fromkeys([*task.metrics, *(name for name in promised if name in known), *own])
    made: dict[str, Scorer] = {}
    for name in wanted:
        if name not in LATENCY:
            scorer: Scorer = plugins.make("scorers", own.get(name, Named(name=name)))
            made[name] = scorer.for_labels(dataset.labels)
    if not made:
        raise SpecError(
            "no metric is left to compare candidates by",
            where="define.metrics",
            fix="name one, such as `accuracy`",
        )
    return made
