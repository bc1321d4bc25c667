"""Answers or labels for questions that have none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.question import question
from tunewright.data.synthetic.draft import Draft, Ground, Seed


def seeds(ground: Ground, material: Sequence[Example]) -> Iterator[Seed]:
    """Every question; the teacher is held to the labels where there are some."""
    for example in material:
        yield Seed(source=example.source, question=question(example), choices=ground.labels)


def read(said: str, seed: Seed) -> Draft | None:
    """What was said is the answer."""
    return Draft(seed=seed, question=seed.question, answer=said.strip())
