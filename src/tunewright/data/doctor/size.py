"""Size advice: what more examples are worth, measured where that is cheap, else by rules of thumb."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.curve import MORE, LearningCurve, Told, label_curve
from tunewright.data.doctor.finding import Evidence, Finding

LARGEST = 4000
"""Training examples that the doctor looks at: some five CPU seconds."""
SMALL = 0.005
"""A gain that is surely below this is none."""

_THUMB = (
    (50, 0.2, "fewer than any rule of thumb asks for (50 to 100 teach a form)"),
    (1000, 0.0, "50 to 100 teach a form of answer, and 1,000 is asked for where it is facts or judgement"),
    (
        5000,
        0.0,
        "1,000 do for one narrow task, and 5,000 to 10,000 are asked for where questions vary widely",
    ),
    (
        1 << 60,
        0.0,
        "more than most rules of thumb ask for (1,000 for a narrow task, 5,000 to 10,000 for a wide one)",
    ),
)
"""Examples up to which a rule of thumb holds, what falling short of the next may cost, and its words."""


def size(
    train: Sequence[Example], held_out: Sequence[Example], seed: int = 0, *, told: Told | None = None
) -> Iterator[Finding]:
    """What the examples there are, and more of them, are worth.

    Measured for labels, by the learning curve of a cheap learner; for other tasks nothing is measured, and
    the advice says which rule of thumb it went by.
    """
    labelled = any(one.label is not None for one in train)
    curve = label_curve(train, held_out, largest=LARGEST, seed=seed, told=told) if labelled else None
    yield _measured(curve) if curve else _by_thumb(len(train), labelled=labelled)


def _measured(curve: LearningCurve) -> Finding:
    gain, now = curve.gain, curve.now
    worth = gain.high >= SMALL
    return Finding(
        kind="size",
        what=(
            f"{curve.more:,} examples beyond the {curve.examples:,} would turn {gain.value:.1%} of the "
            f"answers from wrong to right [{gain.low:.1%}, {gain.high:.1%}]: this is measured, no rule of "
            "thumb (those ask for anything from 50 to 10,000)"
        ),
        effect=(
            f"a cheap learner is wrong in {now.value:.1%} [{now.low:.1%}, {now.high:.1%}] with what there "
            "is; a language model starts better, and gains less from more"
        ),
        fix=(
            "collect more, first of the classes that are mixed up"
            if worth
            else "more of the same is not worth collecting: mend labels and answers, or take a stronger model"
        ),
        weight=min(1.0, max(0.0, gain.value)),
        examples=curve.examples,
        share=1.0,
        rows=tuple(
            Evidence(
                source=f"{point.examples:,} examples",
                text=f"wrong in {point.value:.1%} of {curve.held_out:,} held out",
                note=f"± {point.spread:.1%}, {point.repeats} drawn"
                if point.repeats > 1
                else "all drawn at once",
            )
            for point in curve.points
        ),
    )


def _by_thumb(count: int, *, labelled: bool) -> Finding:
    _, weight, rule = next(rule for rule in _THUMB if count < rule[0])
    how = (
        "collect some hundred more: a curve can be drawn from then on"
        if labelled
        else f"`tunewright curve --train` measures what {MORE} more are worth, by short training runs"
    )
    return Finding(
        kind="size",
        what=f"{count:,} training examples: {rule}; this is a rule of thumb, and nothing was measured",
        effect="the rules disagree by a factor of a hundred, because tasks do",
        fix=how,
        weight=weight,
        examples=count,
        share=1.0,
    )
