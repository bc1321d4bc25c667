"""New words for questions of the training split; the answer stays."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from tunewright.core.types import Example
from tunewright.data.synthetic.draft import Draft, Ground, Seed
from tunewright.runtime.examples import SYNTHETIC
from tunewright.runtime.measure.answer import question_text
from tunewright.runtime.measure.labels import expected_of

_HEAD = re.compile(r"^(?:(?:new |rewritten )?question|rephrased|paraphrase)\s*:\s*", re.I)
_QUOTES = "\"'“”„‘’«»`"


def seeds(ground: Ground, material: Sequence[Example]) -> Iterator[Seed]:
    """Training examples that a person asked, the labels in turn, so that few answers cover all of them."""
    del material
    by_label = defaultdict[str, list[Seed]](list)
    for example in ground.train:
        if SYNTHETIC in example.tags or example.desirable is False or not expected_of(example):
            continue
        asked, right = question_text(example), expected_of(example)
        found = Seed(source=f"example {example.id}", question=asked, answer=right, parent=example)
        by_label[example.label or ""].append(found)
    for together in zip_longest(*(by_label[label] for label in sorted(by_label))):
        yield from (seed for seed in together if seed is not None)


def read(said: str, seed: Seed) -> Draft | None:
    """The first line that says something, without a heading and quotation marks."""
    lines = (_HEAD.sub("", line.strip()).strip().strip(_QUOTES).strip() for line in said.splitlines())
    asked = next((line for line in lines if line), None)
    return None if asked is None else Draft(seed=seed, question=asked, answer=seed.answer)
