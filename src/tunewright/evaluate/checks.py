"""What is wrong with an evaluation before anything is spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tunewright.core.types import Problem
from tunewright.evaluate.spec import EvaluateSpec
from tunewright.runtime import plugins


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
            fix="try `[4, 8]`, or leave `few-shot` out of `evaluate.candidates`",
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
