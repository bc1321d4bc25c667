"""Every problem of training that can be known before anything is spent."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from tunewright.core.types import Problem
from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.train.lint import Facts, lint, too_long
from tunewright.train.ports import Method
from tunewright.train.spec import TrainSpec


def check(spec: TrainSpec, facts: Facts | None = None) -> Iterator[Problem]:
    """Problems of the settings, and of whatever else `facts` knows; the linter's findings are among them."""
    named = (
        ("methods", spec.method),
        ("tuners", spec.tuner),
        ("backends", spec.backend),
        ("trackers", spec.tracker),
    )
    for group, plugin in named:
        if plugin is not None:
            yield from plugins.check(group, plugin, where=f"train.{group[:-1]}")
    yield from lint(facts or Facts(spec=spec))
    if spec.then is not None:
        yield from _check_then(spec, spec.then)


def _check_then(spec: TrainSpec, then: TrainSpec) -> Iterator[Problem]:
    if then.tuner != spec.tuner:
        yield Problem(
            where="train.then.tuner",
            what=f"a further round goes on with the weights of the one before, which are `{spec.tuner.name}`",
            fix="leave `tuner` out",
        )
    for problem in check(then):
        yield problem.model_copy(update={"where": problem.where.replace("train", "train.then", 1)})


def check_examples(name: str, method: Method, train: Sequence[Rendered], context: int) -> Iterator[Problem]:
    """Problems of the examples as the method of that name rendered them."""
    lacking = method.lacks(train)
    if lacking:
        yield Problem(
            where="train.method",
            what=f"`{name}` learns from {lacking}, and the training examples have none",
            fix="look at `data.sources` and `data.split`, or choose another method",
        )
    if not train:
        return
    longest, length, long = too_long(train, context or sys.maxsize)
    if long:
        yield Problem(
            where="train.max_tokens",
            what=f"{long} of {len(train)} examples are longer than the model's context of {context} tokens; "
            f"the longest, training example {longest}, has {length}",
            fix=f"shorten or remove them; `tunewright show preview --number {longest}` shows that one",
        )


def check_lengths(splits: Mapping[str, Sequence[Rendered]], context: int) -> Iterator[Problem]:
    """Evaluation examples that the model could not answer once it is trained."""
    for split, examples in splits.items():
        longest, length, long = too_long(examples, context or sys.maxsize)
        if long:
            yield Problem(
                where=f"the split `{split}`",
                what=f"{long} of {len(examples)} examples are longer than the model's context of "
                f"{context} tokens; the longest, number {longest}, has {length}",
                fix="shorten or remove them",
            )
