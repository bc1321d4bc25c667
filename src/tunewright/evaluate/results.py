"""From a candidate's answers to its line in the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.types import CandidateResult, Metric, Score
from tunewright.evaluate.bench import Bench
from tunewright.evaluate.ladder import Trial
from tunewright.runtime.lazy import require
from tunewright.runtime.measure import Answer, aggregate
from tunewright.runtime.measure.answer import question_text
from tunewright.runtime.measure.labels import expected_of


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A candidate's line in the report, and what it was made from."""

    result: CandidateResult
    scores: Sequence[Score]
    """By the primary metric, in the order of the test examples."""
    confusion: dict[str, dict[str, int]]
    answers: Sequence[Answer]


def measure(bench: Bench, trial: Trial) -> Measured:
    """Score a candidate's answers and aggregate them."""
    scores = aggregate.score_all(bench.scorers, bench.test, trial.completions)
    confidence, seed = bench.spec.confidence, bench.context.seed
    figures = aggregate.metrics(bench.scorers, scores, bench.test, confidence=confidence, seed=seed)
    promised = {target.metric for target in bench.task.targets}
    latency = _latency([seconds for seconds, _ in trial.alone], promised, (confidence, seed))
    labels = bench.labels
    said = aggregate.answered(trial.completions, labels) if labels else []
    confusion = aggregate.confusion(bench.test, said) if labels else {}
    candidate = trial.candidate
    lengths = [completion.tokens for completion in trial.completions]
    result = CandidateResult(
        name=candidate.name,
        kind=candidate.kind,
        checkpoint=candidate.checkpoint.id if candidate.checkpoint else None,
        instruction=candidate.instruction,
        shots=len(candidate.shots),
        selection=trial.selection,
        metrics=(*figures, *(metric for name, metric in latency.items() if name in promised)),
        per_class=aggregate.per_class(confusion, labels) if labels else (),
        latency_p50=latency["latency_p50"].value if latency else None,
        latency_p95=latency["latency_p95"].value if latency else None,
        tokens_per_answer=sum(lengths) / len(lengths) if any(lengths) else None,
    )
    primary = scores[bench.primary]
    answers = _answers(bench, trial, primary, said)
    return Measured(result=result, scores=primary, confusion=confusion, answers=answers)


def _answers(bench: Bench, trial: Trial, scores: Sequence[Score], said: Sequence[str]) -> list[Answer]:
    higher = bench.scorers[bench.primary].higher_is_better
    texts = said or [completion.text for completion in trial.completions]
    expected = [expected_of(example) for example in bench.test]
    return [
        Answer(
            example=example.id,
            text=question_text(example),
            expected=wanted,
            answered=text,
            value=score.value,
            correct=text == wanted if said else (score.value >= 1 if higher else score.value <= 0),
            tags=example.tags,
        )
        for example, wanted, text, score in zip(bench.test, expected, texts, scores, strict=True)
    ]


def _latency(seconds: Sequence[float], promised: set[str], evidence: tuple[float, int]) -> dict[str, Metric]:
    """Median and 95th percentile; an interval only where a target needs one, else the value twice."""
    if not seconds:
        return {}
    numpy = require("numpy", extra="all")
    stats = require("tunewright.core.stats", extra="all")
    values = numpy.asarray(seconds)
    confidence, seed = evidence
    found = {}
    for name, share in (("latency_p50", 0.5), ("latency_p95", 0.95)):
        value = low = high = float(numpy.quantile(values, share))
        if name in promised:
            interval = stats.bootstrap(
                lambda drawn, share=share: float(numpy.quantile(values[drawn], share)),
                len(values),
                confidence=confidence,
                seed=seed,
                method="percentile",
            )
            low, high = min(interval.low, value), max(interval.high, value)
        found[name] = Metric(name=name, value=value, low=low, high=high, n=len(values))
    return found
