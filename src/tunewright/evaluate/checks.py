"""What is wrong with an evaluation before anything is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from tunewright.core.types import Dataset, Problem, Target, Task
from tunewright.evaluate.spec import EvaluateSpec
from tunewright.evaluate.table import LATENCY
from tunewright.runtime import plugins
from tunewright.runtime.measure.aggregate import WITHOUT_NEAR_DUPLICATES
from tunewright.runtime.measure.ports import Scorer

FEW = 30
"""Below this many test examples no interval says much."""
_Z95 = 1.96


def check(spec: EvaluateSpec) -> Iterator[Problem]:
    """Every problem of the section `evaluate`."""
    yield from plugins.check("engines", spec.engine, where="evaluate.engine")
    for place, scorer in enumerate(spec.scorers):
        yield from plugins.check("scorers", scorer, where=f"evaluate.scorers[{place}]")
    yield from _candidates(spec)
    yield from _prompts(spec)


def _candidates(spec: EvaluateSpec) -> Iterator[Problem]:
    if not spec.candidates:
        yield Problem(
            where="evaluate.candidates",
            what="no candidate is left to evaluate",
            fix="leave the key out for the whole ladder",
        )
    for kind, count in Counter(spec.candidates).items():
        if count > 1:
            yield Problem(
                where="evaluate.candidates", what=f"`{kind}` stands {count} times", fix="keep it once"
            )
    if "tuned" in spec.candidates and not {"zero-shot", "few-shot"} & set(spec.candidates):
        yield Problem(
            where="evaluate.candidates",
            what="without a prompt-only candidate nobody knows what the training gained",
            fix="add `zero-shot` or `few-shot`",
            fatal=False,
        )
    if "few-shot" in spec.candidates and not (spec.shots and min(spec.shots) > 0):
        yield Problem(
            where="evaluate.shots",
            what="the few-shot candidate needs numbers of examples above 0",
            fix="try `[4, 16]`, or leave `few-shot` out of `evaluate.candidates`",
        )


def _prompts(spec: EvaluateSpec) -> Iterator[Problem]:
    for place, prompt in enumerate(spec.prompts):
        if not prompt.strip():
            yield Problem(
                where=f"evaluate.prompts[{place}]", what="the prompt is empty", fix="write it, or delete it"
            )
    if 0 < len(spec.prompts) < 3:
        yield Problem(
            where="evaluate.prompts",
            what=f"{len(spec.prompts)} of at least three prompts: a weak prompt flatters the tuned model",
            fix="write three, or leave the key out for the built-in ones",
            fatal=False,
        )


def check_targets(
    task: Task, dataset: Dataset, scorers: dict[str, Scorer], test_examples: int
) -> Iterator[Problem]:
    """What the data says of the targets: metrics the task does not have, too few test examples."""
    for name, scorer in scorers.items():
        if scorer.needs_labels and not dataset.labels:
            yield Problem(
                where="define.metrics",
                what=f"`{name}` needs labels, and the dataset has none",
                fix="give `data` a label column, or measure `exact` or `token_f1`",
            )
    known = measured_names(tuple(scorers))
    for target in task.targets:
        if target.metric not in known:
            yield plugins.unknown(target.metric, known, where="define.targets", noun="metric")
        else:
            yield from _size(target, test_examples)
    if test_examples < FEW:
        yield Problem(
            where="data.split",
            what=f"{test_examples} test examples say little: every interval will be wide",
            fix="collect more examples, or give the test split a larger share",
            fatal=False,
        )


def measured_names(scorers: Sequence[str]) -> tuple[str, ...]:
    """Names of all metrics a report may hold."""
    return (*scorers, *LATENCY, *(name + WITHOUT_NEAR_DUPLICATES for name in scorers))


def _size(target: Target, n: int) -> Iterator[Problem]:
    """A target too near the end of the scale for this many test examples to show that it is met."""
    bound = target.at_least
    if bound is None or not 0 < bound < 1 or target.metric in LATENCY:
        return
    # Wilson's lower end at n right answers of n is n / (n + z²): the best that can be shown.
    if n / (n + _Z95**2) < bound:
        needed = math.ceil(_Z95**2 * bound / (1 - bound))
        yield Problem(
            where="define.targets",
            what=f"{n} test examples cannot show {target.metric} ≥ {bound:g}, even if every answer is right",
            fix=f"give the test split at least {needed} examples",
            fatal=False,
        )
