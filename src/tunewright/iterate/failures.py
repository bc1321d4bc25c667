"""Failures of the test set, grouped by what was expected and what was answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tunewright.core.types import Failure, FailureGroup
from tunewright.runtime.measure import Answer

FREE = "(free answer)"
"""Stands for expected and answered where a task has no labels."""


def grouped(answers: Sequence[Answer], labels: Sequence[str], *, most: int) -> tuple[FailureGroup, ...]:
    """Wrong answers by expected → answered, the largest group first; `most` examples in each.

    Where the task has no labels they are one group, the lowest scores first.
    """
    wrong = [answer for answer in answers if not answer.correct]
    groups: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in wrong:
        groups[(answer.expected, answer.answered) if labels else (FREE, FREE)].append(answer)
    ranked = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        FailureGroup(
            name=f"{expected} → {answered}" if labels else "wrong answers",
            expected=expected,
            answered=answered,
            count=len(members),
            share=len(members) / len(wrong),
            examples=tuple(
                _failure(answer) for answer in sorted(members, key=lambda answer: answer.value)[:most]
            ),
        )
        for (expected, answered), members in ranked
    )


def _failure(answer: Answer) -> Failure:
    return Failure(
        example=answer.example, text=answer.text, expected=answer.expected, answered=answer.answered
    )
