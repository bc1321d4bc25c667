"""Questions and answers from passages of texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.question import question
from tunewright.data.synthetic.draft import Draft, Ground, Seed

MOST, LEAST = 180, 12
"""Words of a passage."""
_PAIR = re.compile(r"\**Question\**:\**\s*(.+?)\s*\n\s*\**Answer\**:\**\s*(.+)", re.S | re.I)
_NEXT = re.compile(r"\n\s*\**Question\**:", re.I)
_FENCE = re.compile(r"^```\w*\s*|\s*```$")


def seeds(ground: Ground, material: Sequence[Example]) -> Iterator[Seed]:
    """Every passage of the texts, with its place."""
    del ground
    for example in material:
        found = passages(example.text or question(example))
        for number, passage in enumerate(found, 1):
            place = f", passage {number}" if len(found) > 1 else ""
            yield Seed(source=f"{example.source}{place}", passage=passage)


def passages(text: str) -> list[str]:
    """The text in whole paragraphs, as many together as are at most `MOST` words.

    A longer paragraph is cut; what has fewer than `LEAST` words says too little to be asked about.
    """
    found: list[str] = []
    held: list[str] = []
    size = 0
    for paragraph in _pieces(text):
        words = len(paragraph.split())
        if held and size + words > MOST:
            found.append("\n\n".join(held))
            held, size = [], 0
        held.append(paragraph)
        size += words
    return [passage for passage in [*found, "\n\n".join(held)] if len(passage.split()) >= LEAST]


def _pieces(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        words = paragraph.split()
        if len(words) <= MOST:
            yield paragraph
        else:
            yield from (" ".join(words[start : start + MOST]) for start in range(0, len(words), MOST))


def read(said: str, seed: Seed) -> Draft | None:
    """The first question and its answer: as lines that begin so, or as a JSON object."""
    said = _FENCE.sub("", said.strip())
    found = _of_json(said) if said.startswith("{") else _PAIR.search(said)
    if found is None:
        return None
    asked, answered = (found[0], found[1]) if isinstance(found, tuple) else (found[1], found[2])
    return Draft(seed=seed, question=asked.strip(), answer=_NEXT.split(answered)[0].strip())


def _of_json(said: str) -> tuple[str, str] | None:
    try:
        found = json.loads(said)
        return str(found["question"]), str(found["answer"])
    except (ValueError, KeyError):
        return None
