"""From scores to metrics with bootstrap intervals, per-class figures and confusions."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from tunewright.core.types import ClassMetrics, Completion, Example, Metric, Score
from tunewright.runtime.examples import NEAR_DUPLICATE
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.labels import INVALID, expected_of, label_of
from tunewright.runtime.measure.names import WITHOUT_NEAR_DUPLICATES
from tunewright.runtime.measure.ports import Scorer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Indices = NDArray[np.intp]


def score_all(
    scorers: Mapping[str, Scorer], examples: Sequence[Example], completions: Sequence[Completion]
) -> dict[str, list[Score]]:
    """Every scorer's scores, in the order of the examples."""
    return {
        name: [scorer.score(e, c) for e, c in zip(examples, completions, strict=True)]
        for name, scorer in scorers.items()
    }


def resampled(scorer: Scorer, scores: Sequence[Score]) -> Callable[[Indices], float]:
    """The scorer's figure of a resample, from the indices drawn.

    Equal scores are counted together, so that a resample costs as many steps as there are
    different scores, not as there are examples.
    """
    numpy = require("numpy", extra="train")
    places: dict[str, int] = {}
    distinct: list[Score] = []
    group = numpy.empty(len(scores), dtype=numpy.intp)
    for index, score in enumerate(scores):
        key = json.dumps([score.value, score.counts], sort_keys=True)
        if key not in places:
            places[key] = len(distinct)
            distinct.append(score)
        group[index] = places[key]

    weighted = scorer.weighted(distinct)

    def figure(indices: Indices) -> float:
        return weighted(numpy.bincount(group[indices], minlength=len(distinct)).astype(float))

    return figure


def metric(
    name: str, scorer: Scorer, scores: Sequence[Score], *, confidence: float = 0.95, seed: int = 0
) -> Metric:
    """The figure with the interval of a bootstrap over examples."""
    if not scores:
        return Metric(name=name, value=0.0, low=0.0, high=1.0, n=0)
    stats = require("tunewright.core.stats", extra="train")
    value = scorer.combine(scores)
    if scorer.by_mean and all(score.value in (0.0, 1.0) for score in scores):
        # A bootstrap of 0 wrong answers in n has no width; Wilson's interval has the right one.
        interval = stats.wilson(round(value * len(scores)), len(scores), confidence)
    elif scorer.by_mean:
        values = [score.value for score in scores]
        interval = stats.bootstrap_mean(values, confidence=confidence, seed=seed)
    else:
        statistic = resampled(scorer, scores)
        interval = stats.bootstrap(statistic, len(scores), confidence=confidence, seed=seed)
    return Metric(
        name=name, value=value, low=min(interval.low, value), high=max(interval.high, value), n=len(scores)
    )


def metrics(
    scorers: Mapping[str, Scorer],
    scores: Mapping[str, Sequence[Score]],
    examples: Sequence[Example],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Metric, ...]:
    """Every metric; each a second time without near-duplicates where the test set holds some."""
    fresh = [index for index, example in enumerate(examples) if NEAR_DUPLICATE not in example.tags]
    found = [metric(n, s, scores[n], confidence=confidence, seed=seed) for n, s in scorers.items()]
    if 0 < len(fresh) < len(examples):
        found += [
            metric(
                name + WITHOUT_NEAR_DUPLICATES,
                scorer,
                [scores[name][index] for index in fresh],
                confidence=confidence,
                seed=seed,
            )
            for name, scorer in scorers.items()
        ]
    return tuple(found)


def answered(completions: Sequence[Completion], labels: Sequence[str]) -> list[str]:
    """The label each answer means, `(invalid)` if none."""
    return [label_of(completion.text, labels) or INVALID for completion in completions]


def confusion(examples: Sequence[Example], answers: Sequence[str]) -> dict[str, dict[str, int]]:
    """Expected label → answered label → count; only cells that hold something."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for example, answer in zip(examples, answers, strict=True):
        counts[expected_of(example)][answer] += 1
    return {label: dict(sorted(row.items())) for label, row in sorted(counts.items())}


def per_class(cells: Mapping[str, Mapping[str, int]], labels: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Precision, recall and F1 of every class; 0.0 where a ratio has nothing below it."""
    answered_as = Counter[str]()
    for row in cells.values():
        answered_as.update(row)
    return tuple(_class_metrics(label, cells.get(label, {}), answered_as[label]) for label in labels)


def _class_metrics(label: str, row: Mapping[str, int], claimed: int) -> ClassMetrics:
    right, support = row.get(label, 0), sum(row.values())
    return ClassMetrics(
        label=label,
        precision=right / claimed if claimed else 0.0,
        recall=right / support if support else 0.0,
        f1=2 * right / (claimed + support) if claimed + support else 0.0,
        support=support,
    )
