"""From measured candidates to the report's fields: comparisons, targets, verdict, notes."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Iterator, Sequence

from tunewright.core.types import Comparison, Report
from tunewright.evaluate.bench import Bench
from tunewright.evaluate.ladder import Trial
from tunewright.evaluate.results import Measured
from tunewright.evaluate.verdict import Evidence, judge
from tunewright.runtime.examples import NEAR_DUPLICATE
from tunewright.runtime.measure.compare import compare


def conclude(
    bench: Bench, trials: Sequence[Trial], measured: Sequence[Measured], *, complete: bool
) -> Report:
    """The report, not yet sealed."""
    comparisons = tuple(_comparisons(bench, measured))
    results = tuple(one.result for one in measured)
    evidence = Evidence(
        results=results,
        comparisons=comparisons,
        primary=bench.primary,
        higher_is_better=bench.scorers[bench.primary].higher_is_better,
        confidence=bench.spec.confidence,
    )
    targets, verdict = judge(bench.task.targets, evidence)
    return Report(
        id=bench.context.artifact_id,
        path=bench.context.folder,
        digest="",
        parents=bench.context.parents,
        objective=bench.task.objective,
        test_examples=len(bench.test),
        results=results,
        comparisons=comparisons,
        targets=targets,
        verdict=verdict,
        labels=bench.labels,
        confusion={one.result.name: one.confusion for one in measured if one.confusion},
        notes=tuple(_notes(bench, trials)),
        complete=complete,
    )


def _comparisons(bench: Bench, measured: Sequence[Measured]) -> Iterator[Comparison]:
    """Every candidate against every simpler one, the last one first."""
    scorer = bench.scorers[bench.primary]
    for later, earlier in itertools.combinations(reversed(measured), 2):
        yield compare(
            scorer,
            bench.primary,
            (later.result.name, later.scores),
            (earlier.result.name, earlier.scores),
            confidence=bench.spec.confidence,
            seed=bench.context.seed,
        )


def _notes(bench: Bench, trials: Sequence[Trial]) -> Iterator[str]:
    spec = bench.spec
    yield (
        f"Candidates are compared by {bench.primary}; intervals hold with {spec.confidence:.0%} confidence: "
        "Wilson for shares, BCa bootstrap over test examples for the rest."
    )
    if bench.labels:
        yield "Every language model's answer was constrained to the list of labels in the same way."
    near = sum(NEAR_DUPLICATE in example.tags for example in bench.test)
    if near:
        yield (
            f"{near} of {len(bench.test)} test examples are near-duplicates of training examples: "
            "every metric is given with and without them."
        )
    if len(bench.test) < bench.dataset.counts.get("test", 0):
        every = bench.dataset.counts["test"]
        yield f"{len(bench.test)} of {every} test examples were asked (`evaluate.test_examples`)."
    yield from _latency_note(bench, trials)
    for problem in bench.problems:
        yield f"{problem.what} ({problem.where}): {problem.fix}."


def _latency_note(bench: Bench, trials: Sequence[Trial]) -> Iterator[str]:
    observed = sorted({when for trial in trials for _, when in trial.alone if when})
    if observed:
        span = observed[0] if observed[0] == observed[-1] else f"{observed[0]} to {observed[-1]}"
        yield (
            f"Latency: {max(len(trial.alone) for trial in trials)} test questions asked alone, one at a "
            f"time, after a warm-up; observed {span} on {platform.system()} {platform.machine()}, "
            f"{bench.context.settings.threads} threads, engine `{bench.spec.engine.name}`."
        )
