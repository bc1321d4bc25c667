"""Answers that must not be given: plausible and wrong, beside the right one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.synthetic import paraphrase
from tunewright.data.synthetic.draft import Draft, Ground, Seed


def seeds(ground: Ground, material: Sequence[Example]) -> Iterator[Seed]:
    """Training examples; where there are labels, the wrong answer is one of the others."""
    for seed in paraphrase.seeds(ground, material):
        others = tuple(label for label in ground.labels if label != seed.answer)
        yield dataclasses.replace(seed, choices=others)


def read(said: str, seed: Seed) -> Draft | None:
    """What was said is the answer to reject."""
    return Draft(seed=seed, question=seed.question, answer=seed.answer, rejected=said.strip())
