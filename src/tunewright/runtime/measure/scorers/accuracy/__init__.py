"""`accuracy`: the share of questions answered with the right label."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.runtime.measure.labels import LabelScorer


@dataclass(frozen=True, kw_only=True)
class Accuracy(LabelScorer):
    """Share of answers that are the right label; an answer that is no label counts as wrong."""
