"""The ladder: every candidate answers the same test questions by generating."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.types import Candidate, Checkpoint, Completion
from tunewright.evaluate.bench import Bench, sample
from tunewright.evaluate.rung import classical
from tunewright.evaluate.selection import Chosen, choose_prompt, choose_shots
from tunewright.evaluate.shots import ranked
from tunewright.runtime.measure.answer import Respondent, requests

Timed = Sequence[tuple[float, str]]
"""Seconds of a question asked alone, and when."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a candidate answered to the test questions, in their order."""

    candidate: Candidate
    completions: Sequence[Completion]
    alone: Timed = ()
    selection: str = ""


def climb(bench: Bench, base: Checkpoint, tuned: Checkpoint | None) -> list[Trial]:
    """Every candidate of the spec, from the simplest on; the tuned one if there is one."""
    trials = list(_classical(bench))
    trials += _prompt_only(bench, base)
    if tuned is not None and "tuned" in bench.spec.candidates:
        trials.append(_tuned(bench, tuned))
    return trials


def _prompt_only(bench: Bench, base: Checkpoint) -> Iterator[Trial]:
    wanted = bench.spec.candidates
    if not {"zero-shot", "few-shot"} & set(wanted):
        return
    with Respondent(bench.context, bench.spec.engine, base) as respondent:
        zero_shot = choose_prompt(bench, respondent, base)
        if zero_shot is None:
            return
        if "zero-shot" in wanted:
            yield _ask(bench, respondent, zero_shot)
        if "few-shot" in wanted:
            few_shot = choose_shots(bench, respondent, zero_shot, ranked(bench.train))
            if few_shot is not None:
                yield _ask(bench, respondent, few_shot)


def _tuned(bench: Bench, tuned: Checkpoint) -> Trial:
    """The tuned model with the system message it was trained with; it needs no label list."""
    candidate = Candidate(name="tuned", kind="tuned", checkpoint=tuned, instruction=tuned.instruction)
    with Respondent(bench.context, bench.spec.engine, tuned) as respondent:
        return _ask(bench, respondent, Chosen(candidate, selection="the system message it was trained with"))


def _ask(bench: Bench, respondent: Respondent, chosen: Chosen) -> Trial:
    asked = requests(
        chosen.candidate,
        bench.test,
        shots=chosen.shots,
        labels=bench.labels,
        max_tokens=bench.spec.max_tokens,
    )
    completions = respondent.ask(asked, f"{chosen.candidate.name} on the test questions")
    place = {example.id: index for index, example in enumerate(bench.test)}
    few = [asked[place[example.id]] for example in sample(bench.test, bench.spec.latency_examples)]
    kept = respondent.alone(few)
    return Trial(
        candidate=chosen.candidate,
        completions=completions,
        alone=[(one.completion.seconds, one.observed) for one in kept],
        selection=chosen.selection,
    )


def _classical(bench: Bench) -> Iterator[Trial]:
    """The rung that asks whether a language model is needed at all; only for classification."""
    if "classical" in bench.spec.candidates and bench.labels:
        rung = classical(bench)
        yield Trial(
            candidate=Candidate(name="classical", kind="classical"),
            completions=[Completion(text=answer) for answer in rung.answers],
            alone=[(seconds, "") for seconds in rung.seconds],
            selection=rung.selection,
        )
