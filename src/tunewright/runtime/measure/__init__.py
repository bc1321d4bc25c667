"""Measuring: ask a candidate, score its answers, aggregate with intervals, compare in pairs."""

from tunewright.runtime.measure.answers import Answer, read_answers, write_answers
from tunewright.runtime.measure.ports import Scorer

__all__ = ["Answer", "Scorer", "read_answers", "write_answers"]
