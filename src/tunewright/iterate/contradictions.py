"""Training questions that may contradict the test set: much like a failed one, labelled otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.types import Example
from tunewright.runtime.lazy import require
from tunewright.runtime.measure import Answer
from tunewright.runtime.measure.answer import question_text


@dataclass(frozen=True)
class Contradiction:
    """A failed question and the training question that pulls it the other way."""

    failed: Answer
    neighbour: Example
    similarity: float
    """Cosine, at most 1."""


def contradictions(
    answers: Sequence[Answer], train: Sequence[Example], similarity: float
) -> tuple[Contradiction, ...]:
    """For each wrong answer its nearest training question, where that one has the answered label.

    The most similar pair first. Only the nearest counts: one question with the other label among many
    with the right one is no reason to doubt them.
    """
    wrong = [answer for answer in answers if not answer.correct]
    labelled = [example for example in train if example.label is not None]
    if not wrong or not labelled:
        return ()
    embed = require("tunewright.runtime.embed", extra="all").embed
    there = embed([question_text(example) for example in labelled])
    near = embed([answer.text for answer in wrong]) @ there.T
    found = [
        Contradiction(answer, labelled[place], float(row[place]))
        for answer, row in zip(wrong, near, strict=True)
        if row[place := int(row.argmax())] >= similarity and labelled[place].label == answer.answered
    ]
    return tuple(sorted(found, key=lambda pair: (-pair.similarity, pair.failed.example)))
