"""Evaluate: every candidate on the same frozen test set, compared in pairs, with a verdict."""

from tunewright.evaluate.checks import check
from tunewright.evaluate.run import fingerprint, run
from tunewright.evaluate.spec import EvaluateSpec
from tunewright.evaluate.table import Row, interval, probability, render_table

__all__ = ["EvaluateSpec", "Row", "check", "fingerprint", "interval", "probability", "render_table", "run"]
