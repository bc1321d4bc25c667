"""Every problem of training that can be known before anything is spent."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import cast

from tunewright.core.types import Checkpoint, Problem
from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.runtime.plugins import Named
from tunewright.train.lint import Facts, lint, too_long
from tunewright.train.ports import RATER, Method, OnlineMethod, QuantisedTuner, SoftTuner, Tuner
from tunewright.train.spec import TrainSpec
from tunewright.train.teach import check_teacher


def check(spec: TrainSpec) -> Iterator[Problem]:
    """Problems of all rounds, and of their order; the linter's findings are among them."""
    for depth, once in enumerate(spec.rounds):
        for problem in [*check_round(once), *_check_order(spec.rounds[: depth + 1], spec.rounds)]:
            yield in_round(problem, depth)


def in_round(problem: Problem, depth: int) -> Problem:
    """The problem of a round by itself, where that round stands in the spec."""
    return problem.model_copy(update={"where": problem.where.replace("train", "train" + ".then" * depth, 1)})


def check_round(spec: TrainSpec, facts: Facts | None = None) -> Iterator[Problem]:
    """Problems of a round by its settings, and by whatever else `facts` knows."""
    named = (
        ("methods", spec.method),
        ("tuners", spec.tuner),
        ("backends", spec.backend),
        ("trackers", spec.tracker),
    )
    for group, plugin in named:
        if plugin is not None:
            yield from plugins.check(group, plugin, where=f"train.{group[:-1]}")
    yield from _check_rewards(spec)
    yield from _check_rating(spec)
    yield from _check_library(spec)
    method = _method(spec)
    if method is not None:
        yield from check_teacher(spec.method.name, method)
    yield from lint(facts or Facts(spec=spec))


def _check_rating(spec: TrainSpec) -> Iterator[Problem]:
    """A model that rates, made by a tuner that can only change what it says."""
    if rates(spec) and isinstance(_plugin("tuners", spec.tuner), SoftTuner):
        yield Problem(
            where="train.tuner",
            what=f"`{spec.tuner.name}` learns tokens alone, and a model that rates needs a head, too",
            fix="set `tuner: lora` for all rounds",
        )


def _check_library(spec: TrainSpec) -> Iterator[Problem]:
    """A library that the tuner needs and that is not there: the run would end where it is loaded."""
    tuner = _plugin("tuners", spec.tuner)
    if isinstance(tuner, QuantisedTuner) and find_spec(tuner.needs) is None:
        yield Problem(
            where="train.tuner",
            what=f"`{spec.tuner.name}` needs `{tuner.needs}`, which is not installed",
            fix='pip install "tunewright[quant]"',
        )


def room(context: int, tuner: Tuner) -> int:
    """Tokens that an example may have in a model's context; 0 where the context is not known."""
    learned = tuner.tokens if isinstance(tuner, SoftTuner) else 0
    return max(1, context - learned) if context else 0


def _check_order(rounds: Sequence[TrainSpec], every: Sequence[TrainSpec]) -> Iterator[Problem]:
    """Problems of the last of some rounds beside those before it."""
    last, before = rounds[-1], rounds[:-1]
    if before and last.tuner != before[-1].tuner:
        tuner = before[-1].tuner.name
        yield Problem(
            where="train.tuner",
            what=f"a further round goes on with the weights of the one before, which are `{tuner}`",
            fix="leave `tuner` out",
        )
    if _rewarded(last) and not any(map(rates, before)):
        yield without_rater()
    if rates(last) and not any(map(_rewarded, every[len(rounds) :])):
        yield Problem(
            where="train.method",
            what=f"`{last.method.name}` makes a model that rates answers and gives none, "
            "and no later round learns from it",
            fix=f"add `then: {{method: {{grpo: {{rewards: [{RATER}]}}}}}}`",
        )


def rates(spec: TrainSpec) -> bool:
    """Whether a round makes a model that rates answers, and leaves the one that gives them as it was."""
    method = _method(spec)
    return method is not None and method.rates


def _rewarded(spec: TrainSpec) -> bool:
    return any(named.name == RATER for named in _rewards(spec))


def _rewards(spec: TrainSpec) -> tuple[Named, ...]:
    method = _method(spec)
    return method.rewards if isinstance(method, OnlineMethod) else ()


def _method(spec: TrainSpec) -> Method | None:
    """The method, unless something is wrong with it."""
    return cast("Method | None", _plugin("methods", spec.method))


def _plugin(group: str, named: Named) -> object:
    problems = any(True for _ in plugins.check(group, named, where=""))
    return None if problems else plugins.make(group, named)


def _check_rewards(spec: TrainSpec) -> Iterator[Problem]:
    where = f"train.method.{spec.method.name}"
    rewards = _rewards(spec)
    for place, named in enumerate(rewards):
        if named.name != RATER:
            yield from plugins.check("scorers", named, where=f"{where}.rewards[{place}]")
    weights = spec.method.options.get("weights") or rewards
    if rewards and len(weights) != len(rewards):
        yield Problem(
            where=f"{where}.weights",
            what=f"there are {len(rewards)} rewards and {len(weights)} weights",
            fix="give each reward one weight, in the same order",
        )


def without_rater() -> Problem:
    """The problem of a round that learns from the ratings of a model that was not trained."""
    return Problem(
        where="train.method",
        what=f"`{RATER}` among the rewards is the reward model of an earlier round, and there is none",
        fix="put a round with `method: reward` before this one, or name scorers as rewards",
    )


def check_rater(spec: TrainSpec, rater: Checkpoint | None) -> Iterator[Problem]:
    """A reward that is to come from a reward model that is not there."""
    if _rewarded(spec) and rater is None:
        yield without_rater()


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
