"""The rules of the verdict, one by one, and laws that hold for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import (
    CandidateKind,
    CandidateResult,
    Comparison,
    Metric,
    Target,
    TargetResult,
    Verdict,
)
from tunewright.evaluate.verdict import Evidence, achieved, best, gain, judge, needed


def result(
    kind: CandidateKind,
    low: float,
    high: float,
    *,
    n: int = 400,
    latency: float | None = None,
    **others: Metric,
) -> CandidateResult:
    accuracy = Metric(name="accuracy", value=(low + high) / 2, low=low, high=high, n=n)
    return CandidateResult(
        name=kind, kind=kind, metrics=(accuracy, *others.values()), latency_p50=latency, latency_p95=latency
    )


def against(a: str, b: str, low: float, high: float) -> Comparison:
    return Comparison(
        a=a,
        b=b,
        metric="accuracy",
        difference=(low + high) / 2,
        low=low,
        high=high,
        p_value=0.5,
        test="McNemar",
    )


CLASSICAL = result("classical", 0.70, 0.76, latency=0.0005)
ZERO = result("zero-shot", 0.30, 0.40)
FEW = result("few-shot", 0.50, 0.60)
TUNED = result("tuned", 0.90, 0.95, latency=0.05)
BETTER = (
    against("tuned", "few-shot", 0.3, 0.4),
    against("tuned", "zero-shot", 0.5, 0.6),
    against("tuned", "classical", 0.15, 0.25),
)


def decide(
    *targets: Target,
    results: Sequence[CandidateResult] = (CLASSICAL, ZERO, FEW, TUNED),
    comparisons: Sequence[Comparison] = BETTER,
) -> Verdict:
    return judge(targets, Evidence(results=results, comparisons=comparisons, primary="accuracy"))[1]


def at_least(bound: float, waived: str | None = None) -> Target:
    return Target(metric="accuracy", at_least=bound, waived=waived)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target(metric="accuracy", at_least=0.89), True),
        (Target(metric="accuracy", at_least=0.90), True),
        (Target(metric="accuracy", at_least=0.92), None),
        (Target(metric="accuracy", at_least=0.95), None),
        (Target(metric="accuracy", at_least=0.96), False),
        (Target(metric="accuracy", at_most=0.96), True),
        (Target(metric="accuracy", at_most=0.95), True),
        (Target(metric="accuracy", at_most=0.92), None),
        (Target(metric="accuracy", at_most=0.90), None),
        (Target(metric="accuracy", at_most=0.89), False),
    ],
)
def test_a_target_is_decided_only_when_the_whole_interval_is_on_one_side(
    target: Target, met: bool | None
) -> None:
    assert achieved(target, TUNED).met is met


def test_all_targets_met_and_better_than_every_prompt_ships() -> None:
    verdict = decide(at_least(0.85))
    assert (verdict.word, verdict.candidate, verdict.needed) == ("ship", "tuned", None)
    assert any("better than the best prompt" in reason for reason in verdict.reasons)


def test_a_missed_target_asks_for_another_round() -> None:
    assert decide(at_least(0.99)).word == "iterate"


def test_a_missed_target_outweighs_an_undecided_one() -> None:
    assert decide(at_least(0.92), Target(metric="accuracy", at_most=0.5)).word == "iterate"


def test_an_undecided_target_asks_for_more_examples_and_says_how_many() -> None:
    verdict = decide(at_least(0.91))
    assert verdict.word == "needs more examples"
    assert verdict.needed is not None and verdict.needed > 400


def test_the_number_of_examples_is_what_the_hardest_target_needs() -> None:
    alone = [decide(at_least(bound)).needed for bound in (0.915, 0.92)]
    assert decide(at_least(0.915), at_least(0.92)).needed == max(n for n in alone if n)


def test_no_number_of_examples_decides_a_value_that_stands_on_its_bound() -> None:
    verdict = decide(at_least((0.90 + 0.95) / 2))
    assert verdict.word == "needs more examples" and verdict.needed is None


def test_a_waived_miss_is_waived() -> None:
    verdict = decide(at_least(0.99, "pilot only, A. Person"))
    assert verdict.word == "waived"
    assert any("pilot only" in reason for reason in verdict.reasons)


def test_a_waived_undecided_target_is_waived() -> None:
    assert decide(at_least(0.92, "pilot only")).word == "waived"


def test_a_waiver_that_was_not_needed_changes_nothing() -> None:
    assert decide(at_least(0.85, "pilot only")).word == "ship"


def test_a_waiver_covers_its_own_target_alone() -> None:
    assert decide(at_least(0.99, "pilot only"), Target(metric="accuracy", at_most=0.5)).word == "iterate"


def test_a_prompt_that_does_as_well_stops_the_release_whatever_is_waived() -> None:
    level = (against("tuned", "few-shot", -0.01, 0.05),)
    for target in (at_least(0.85), at_least(0.99, "pilot only")):
        verdict = decide(target, comparisons=level)
        assert verdict.word == "iterate"
        assert any("a prompt does as well" in reason for reason in verdict.reasons)


def test_a_gain_that_touches_zero_is_no_gain() -> None:
    assert decide(at_least(0.85), comparisons=(against("tuned", "few-shot", 0.0, 0.1),)).word == "iterate"


def test_the_gain_is_asked_against_the_best_prompt_not_the_last_one() -> None:
    strong = result("zero-shot", 0.88, 0.94)
    comparisons = (against("tuned", "few-shot", 0.3, 0.4), against("tuned", "zero-shot", -0.02, 0.04))
    assert decide(at_least(0.85), results=(strong, FEW, TUNED), comparisons=comparisons).word == "iterate"


def test_without_a_prompt_only_candidate_the_gain_is_said_to_be_unknown() -> None:
    verdict = decide(at_least(0.85), results=(CLASSICAL, TUNED), comparisons=BETTER)
    assert verdict.word == "ship"
    assert any("is not known" in reason for reason in verdict.reasons)


def test_without_targets_there_is_nothing_to_ship_against() -> None:
    verdict = decide()
    assert verdict.word == "iterate" and verdict.reasons[0] == "no target was promised"


def test_a_target_that_was_not_measured_is_missed() -> None:
    verdict = decide(Target(metric="macro_f1", at_least=0.5))
    assert verdict.word == "iterate" and "not measured" in verdict.reasons[0]


def test_a_classical_model_that_does_as_well_is_named_and_changes_nothing() -> None:
    comparisons = (BETTER[0], BETTER[1], against("tuned", "classical", -0.02, 0.02))
    verdict = decide(at_least(0.85), comparisons=comparisons)
    assert verdict.word == "ship"
    assert any("classical model is as good" in r and "100 times as fast" in r for r in verdict.reasons)


def test_a_classical_model_that_is_better_is_called_better() -> None:
    comparisons = (BETTER[0], BETTER[1], against("tuned", "classical", -0.05, -0.02))
    assert any(
        "classical model is better" in r for r in decide(at_least(0.85), comparisons=comparisons).reasons
    )


def test_baselines_alone_say_whether_training_is_worth_it() -> None:
    enough = decide(at_least(0.65), results=(CLASSICAL, ZERO, FEW))
    assert (enough.word, enough.candidate) == ("iterate", "classical")
    assert any("training is not needed" in reason for reason in enough.reasons)
    wanting = decide(at_least(0.85), results=(CLASSICAL, ZERO, FEW))
    assert wanting.reasons[-1] == "fine-tuning is worth trying"


def test_nothing_evaluated_is_nothing_to_ship() -> None:
    assert decide(results=()).word == "iterate"


def test_where_less_is_better_the_gain_turns_round() -> None:
    evidence = Evidence(
        results=(FEW, TUNED),
        comparisons=(against("tuned", "few-shot", 0.3, 0.4),),
        primary="accuracy",
        higher_is_better=False,
    )
    assert gain(evidence, "tuned", "few-shot") == (-0.35, -0.4, -0.3)
    assert gain(evidence, "few-shot", "tuned") == (0.35, 0.3, 0.4)
    assert best(evidence, evidence.results) == FEW


ends = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)
bounds = st.floats(0, 1)


@given(ends, bounds, st.sampled_from(["at_least", "at_most"]))
def test_the_other_side_of_a_bound_is_never_met_too(interval: list[float], bound: float, side: str) -> None:
    """Met and missed swap with the direction, but for an interval whose end touches the bound."""
    low, high = interval
    candidate = result("tuned", low, high)
    other = "at_most" if side == "at_least" else "at_least"
    here = achieved(Target.model_validate({"metric": "accuracy", side: bound}), candidate).met
    there = achieved(Target.model_validate({"metric": "accuracy", other: bound}), candidate).met
    if here is False:
        assert there is True
    if here is None and low < bound < high:
        assert there is None


@given(ends, bounds, bounds)
def test_a_stricter_target_is_never_easier(interval: list[float], a: float, b: float) -> None:
    easy, strict = sorted((a, b))
    order = {False: 0, None: 1, True: 2}
    candidate = result("tuned", *interval)
    assert order[achieved(at_least(strict), candidate).met] <= order[achieved(at_least(easy), candidate).met]


@given(
    st.lists(st.tuples(bounds, st.booleans()), max_size=3),
    ends,
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted),
)
def test_ship_means_every_target_met_and_a_sure_gain(
    promises: list[tuple[float, bool]], interval: list[float], gained: list[float]
) -> None:
    targets = [at_least(bound, "pilot only" if waived else None) for bound, waived in promises]
    judged, verdict = judge(
        targets,
        Evidence(
            results=(FEW, result("tuned", *interval)),
            comparisons=(against("tuned", "few-shot", *gained),),
            primary="accuracy",
        ),
    )
    if verdict.word == "ship":
        assert all(item.met for item in judged) and gained[0] > 0
    if verdict.word == "waived":
        assert any(item.met is not True for item in judged) and gained[0] > 0
    if verdict.word == "needs more examples":
        assert any(item.met is None and not item.target.waived for item in judged)
    assert verdict.reasons


@given(ends, bounds)
def test_the_number_needed_is_more_than_there_are(interval: list[float], bound: float) -> None:
    candidate = result("tuned", *interval)
    item = TargetResult(target=at_least(bound), achieved=candidate.metric("accuracy"), met=None)
    count = needed(item, 0.95)
    assert count is None or count > 400
