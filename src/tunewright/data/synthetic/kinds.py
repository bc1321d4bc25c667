"""The kinds of synthetic examples: what each begins with, and how the teacher's answer is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.types import Example
from tunewright.data.synthetic import answers, negatives, noise, pairs, paraphrase
from tunewright.data.synthetic.draft import Draft, Ground, Seed
from tunewright.data.synthetic.spec import Kind

Seeds = Callable[[Ground, Sequence[Example]], Iterator[Seed]]
Read = Callable[[str, Seed], Draft | None]


@dataclass(frozen=True)
class Maker:
    """One kind."""

    seeds: Seeds
    """What it begins with: from the ground, or from the examples of the source."""
    read: Read
    """A draft from what the teacher said; None where that cannot be read."""
    needs_source: bool = False
    needs_dataset: bool = False


MAKERS: dict[Kind, Maker] = {
    "pairs": Maker(pairs.seeds, pairs.read, needs_source=True),
    "paraphrase": Maker(paraphrase.seeds, paraphrase.read, needs_dataset=True),
    "answers": Maker(answers.seeds, answers.read, needs_source=True),
    "negatives": Maker(negatives.seeds, negatives.read, needs_dataset=True),
    "noise": Maker(noise.seeds, paraphrase.read, needs_dataset=True),
}
