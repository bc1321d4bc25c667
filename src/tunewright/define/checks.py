"""What is wrong with an objective before anything is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tunewright.core.types import Problem, Target
from tunewright.define.metrics import default_metrics
from tunewright.define.spec import DefineSpec
from tunewright.runtime import plugins
from tunewright.runtime.measure.names import LATENCY, reportable


def check(spec: DefineSpec) -> Iterator[Problem]:
    """Every problem of the section `define`."""
    if len(spec.objective.split()) < 3:
        yield Problem(
            where="define.objective",
            what="the objective says too little to be judged by",
            fix="write one sentence: who asks what, and what a right answer is",
        )
    known = plugins.names("scorers")
    for place, metric in enumerate(spec.metrics):
        if metric not in known:
            yield plugins.unknown(metric, known, where=f"define.metrics[{place}]", noun="metric")
    yield from _targets(spec)
    for target in spec.targets:
        yield from _bound(target)


def _targets(spec: DefineSpec) -> Iterator[Problem]:
    if not spec.targets:
        yield Problem(
            where="define.targets",
            what="no target is declared, so no report can say `ship`",
            fix="add one, such as `- {metric: accuracy, at_least: 0.9}`",
            fatal=False,
        )
    measured = spec.metrics or default_metrics(spec.task)
    for metric, count in Counter(target.metric for target in spec.targets).items():
        if count > 1:
            yield Problem(
                where="define.targets",
                what=f"`{metric}` has {count} targets",
                fix="keep one for each metric",
            )
        if metric not in (known := reportable((*measured, *plugins.names("scorers")))):
            yield plugins.unknown(metric, known, where="define.targets", noun="metric")


def _bound(target: Target) -> Iterator[Problem]:
    bound = target.at_most if target.at_least is None else target.at_least
    if bound is None or target.metric in LATENCY or 0 <= bound <= 1:
        return
    yield Problem(
        where="define.targets",
        what=f"`{target.metric}` is a share between 0 and 1, so {bound:g} says nothing",
        fix="write 0.9 for 90 %",
    )
