"""`token_f1`: how many words an answer shares with its reference."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.measure.labels import expected_of
from tunewright.runtime.measure.ports import MeanScorer

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True)
class TokenF1(MeanScorer):
    """F1 of the bags of lower-cased words, as for SQuAD (Rajpurkar et al., 2016); best reference."""

    def score(self, example: Example, completion: Completion) -> Score:
        """The F1 against the reference that fits best, 0 to 1."""
        answer = _words(completion.text)
        wanted = (expected_of(example), *example.references)
        return Score(value=max(_f1(answer, _words(text)) for text in wanted))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _f1(a: Counter[str], b: Counter[str]) -> float:
    if not a or not b:
        return float(a == b)
    return 2 * (a & b).total() / (a.total() + b.total())
