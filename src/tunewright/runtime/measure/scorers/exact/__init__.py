"""`exact`: the share of answers that equal a reference, letter for letter."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.core.types import Completion, Example, Score
from tunewright.runtime.measure.labels import expected_of
from tunewright.runtime.measure.ports import MeanScorer


@dataclass(frozen=True, kw_only=True)
class Exact(MeanScorer):
    """Right if the answer is one of the references, letter for letter, ends stripped."""

    ignore_case: bool = False
    """Take `Paris` and `paris` for the same."""

    def score(self, example: Example, completion: Completion) -> Score:
        """1 if the answer equals the right answer or one of the references."""
        wanted = {self._form(text) for text in (expected_of(example), *example.references)}
        right = self._form(completion.text) in wanted
        return Score(value=float(right), reason="" if right else "differs from every reference")

    def _form(self, text: str) -> str:
        return text.strip().casefold() if self.ignore_case else text.strip()
