"""What the data says of the targets before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tunewright.core.types import Dataset, Problem, Target, Task
from tunewright.runtime import plugins
from tunewright.runtime.measure.names import LATENCY, reportable
from tunewright.runtime.measure.ports import Scorer

FEW = 30
"""Below this many test examples no interval says much."""
_Z95 = 1.96


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
    known = reportable(tuple(scorers))
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
