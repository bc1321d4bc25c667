"""The verdict: what to do, from the targets, the intervals and the paired comparisons.

The rules, in the order in which they are asked:

1.  A target is **met** when the whole interval of its metric lies on the right side of the bound (an
    end that touches the bound is on the right side), **missed** when the whole interval lies on the
    wrong side, and **undecided** otherwise: more test examples would tell.
2.  A target whose metric was not measured can never be met: it counts as missed.
3.  A waiver covers a target that is missed or undecided. It never covers rule 6.
4.  A missed target without a waiver: `iterate`. More examples would not help. Without any target there is
    nothing to ship against: `iterate`.
5.  Otherwise, an undecided target without a waiver: `needs more examples`, with the number that would
    decide all of them with 80 % power if the value stays where it is.
6.  Otherwise the tuned candidate must be better than the best prompt-only candidate: the lower end of
    the paired interval of the difference is above zero. If not: `iterate`, because a prompt does as
    well. The best is the one with the highest value; of equals the one that stands first. Where no
    prompt-only candidate was evaluated the gain is unknown, and the reasons say so.
7.  Otherwise `waived` if a waiver was used, else `ship`.

A classical model that does as well never changes the word, because the user asked for a language model,
but it is always among the reasons. Without a tuned candidate the word is `iterate`, and the reasons say
whether training is worth its cost: not if a baseline meets every target already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.types import CandidateResult, Comparison, Metric, Target, TargetResult, Verdict
from tunewright.evaluate.table import interval
from tunewright.runtime.lazy import require

PROMPT_ONLY = ("zero-shot", "few-shot")
_NOTHING = 1e-6
"""A gap that no test set of this world shows."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything a verdict may rest on."""

    results: Sequence[CandidateResult]
    comparisons: Sequence[Comparison]
    primary: str
    """The metric that candidates are compared by."""
    higher_is_better: bool = True
    confidence: float = 0.95


def judge(targets: Sequence[Target], evidence: Evidence) -> tuple[tuple[TargetResult, ...], Verdict]:
    """Every target beside what was achieved, and the verdict."""
    tuned = next((r for r in reversed(evidence.results) if r.kind == "tuned"), None)
    candidate = tuned or best(evidence, evidence.results)
    if candidate is None:
        return (), Verdict(word="iterate", reasons=("no candidate was evaluated",))
    judged = tuple(achieved(target, candidate) for target in targets)
    if tuned is None:
        return judged, Verdict(
            word="iterate", candidate=candidate.name, reasons=tuple(_advice(targets, evidence))
        )
    return judged, _decide(judged, tuned, evidence)


def achieved(target: Target, result: CandidateResult) -> TargetResult:
    """A target beside the metric of a candidate: met, missed, or undecided (rules 1 and 2)."""
    metric = result.metric(target.metric)
    if metric is None:
        return TargetResult(target=target, achieved=None, met=False)
    if target.at_least is not None:
        met = True if metric.low >= target.at_least else False if metric.high < target.at_least else None
    else:
        bound = target.at_most if target.at_most is not None else 0.0
        met = True if metric.high <= bound else False if metric.low > bound else None
    return TargetResult(target=target, achieved=metric, met=met)


def best(evidence: Evidence, results: Sequence[CandidateResult]) -> CandidateResult | None:
    """The candidate with the best primary metric; of equals the first."""
    sign = 1 if evidence.higher_is_better else -1
    measured = [(result, metric) for result in results if (metric := result.metric(evidence.primary))]
    return max(measured, key=lambda pair: sign * pair[1].value, default=(None, None))[0]


def gain(evidence: Evidence, a: str, b: str) -> tuple[float, float, float] | None:
    """How much better `a` is than `b`: difference and interval, above zero where `a` is better."""
    sign = 1 if evidence.higher_is_better else -1
    for found in evidence.comparisons:
        ends = (found.low, found.high)
        if (found.a, found.b) == (a, b):
            return sign * found.difference, min(sign * e for e in ends), max(sign * e for e in ends)
        if (found.a, found.b) == (b, a):
            return -sign * found.difference, min(-sign * e for e in ends), max(-sign * e for e in ends)
    return None


def _decide(judged: Sequence[TargetResult], tuned: CandidateResult, evidence: Evidence) -> Verdict:
    open_targets = [item for item in judged if item.target.waived is None]
    missed = [item for item in open_targets if item.met is False]
    undecided = [item for item in open_targets if item.met is None]
    reasons = [_sentence(item) for item in judged]
    gained, why = _gain_over_prompt(tuned, evidence)
    reasons += [*why, *_classical_reason(tuned, evidence)]
    if not judged:
        reasons.insert(0, "no target was promised")
    if missed or not judged:
        return Verdict(word="iterate", candidate=tuned.name, reasons=tuple(reasons))
    if undecided:
        counts = [n for item in undecided if (n := needed(item, evidence.confidence)) is not None]
        word_needed = max(counts) if counts else None
        return Verdict(
            word="needs more examples", candidate=tuned.name, reasons=tuple(reasons), needed=word_needed
        )
    if not gained:
        return Verdict(word="iterate", candidate=tuned.name, reasons=tuple(reasons))
    waived = any(item.met is not True for item in judged)
    return Verdict(word="waived" if waived else "ship", candidate=tuned.name, reasons=tuple(reasons))


def needed(item: TargetResult, confidence: float) -> int | None:
    """Test examples that would decide this target with 80 % power; None where no number would."""
    metric, bound = item.achieved, _bound(item.target)
    if metric is None or metric.n < 1 or abs(metric.value - bound) < _NOTHING or metric.high <= metric.low:
        return None
    stats = require("tunewright.core.stats", extra="all")
    interval = stats.Interval(metric.low, metric.high)
    count: int = stats.needed_at_scale(interval, metric.n, abs(metric.value - bound), confidence=confidence)
    return max(count, metric.n + 1)


def _gain_over_prompt(tuned: CandidateResult, evidence: Evidence) -> tuple[bool, list[str]]:
    prompt = best(evidence, [result for result in evidence.results if result.kind in PROMPT_ONLY])
    found = gain(evidence, tuned.name, prompt.name) if prompt else None
    if prompt is None or found is None:
        return True, ["no prompt-only candidate was evaluated, so what the training gained is not known"]
    said = f"{evidence.primary} {found[0]:+.3f} [{found[1]:+.3f}, {found[2]:+.3f}] against {prompt.name}"
    if found[1] > 0:
        return True, [f"better than the best prompt: {said}"]
    return False, [f"a prompt does as well: {said}"]


def _classical_reason(tuned: CandidateResult, evidence: Evidence) -> Iterator[str]:
    classical = next((r for r in evidence.results if r.kind == "classical"), None)
    found = gain(evidence, tuned.name, classical.name) if classical else None
    if classical is None or found is None or found[1] > 0:
        return
    word = "better" if found[2] < 0 else "as good"
    faster = ""
    if classical.latency_p50 and tuned.latency_p50 and classical.latency_p50 < tuned.latency_p50:
        faster = f", and answers {tuned.latency_p50 / classical.latency_p50:.0f} times as fast"
    difference = f"{evidence.primary} {found[0]:+.3f} [{found[1]:+.3f}, {found[2]:+.3f}]"
    yield f"the classical model is {word} ({difference} for the tuned one){faster}: consider it"


def _advice(targets: Sequence[Target], evidence: Evidence) -> Iterator[str]:
    """Whether training is worth its cost, from the baselines alone."""
    yield "no tuned candidate has been evaluated"
    enough = [r for r in evidence.results if targets and all(achieved(t, r).met is True for t in targets)]
    if enough:
        names = " and ".join(result.name for result in enough)
        yield f"training is not needed for the targets: {names} meets every one of them"
        return
    top = best(evidence, evidence.results)
    figure = top.metric(evidence.primary) if top else None
    if top is not None and figure is not None:
        yield f"the best baseline is {top.name} with {_figure(figure)}"
        for target in targets:
            yield _sentence(achieved(target, top))
    yield "fine-tuning is worth trying" if targets else "declare targets to know what is good enough"


def _sentence(item: TargetResult) -> str:
    target = item.target
    sign = "≥" if target.at_least is not None else "≤"
    promise = f"{target.metric} {sign} {_bound(target):g}"
    if item.achieved is None:
        said = f"{promise}: not measured"
    else:
        word = {True: "met", False: "missed", None: "undecided"}[item.met]
        said = f"{promise}: {word} with {_figure(item.achieved)}"
    return f"{said}; waived: {target.waived}" if target.waived and item.met is not True else said


def _figure(metric: Metric) -> str:
    return f"{metric.name} {interval(metric)} on {metric.n}"


def _bound(target: Target) -> float:
    return target.at_least if target.at_least is not None else target.at_most or 0.0
