"""Train: a base model and a dataset become a checkpoint."""

from tunewright.train.checks import check, check_examples, in_round, rates
from tunewright.train.estimate import Forecast, Place, Speed
from tunewright.train.forecast import forecast
from tunewright.train.lint import RULES, lint
from tunewright.train.run import examine, examine_model, fingerprint, run
from tunewright.train.spec import TrainSpec

__all__ = [
    "RULES",
    "Forecast",
    "Place",
    "Speed",
    "TrainSpec",
    "check",
    "check_examples",
    "examine",
    "examine_model",
    "fingerprint",
    "forecast",
    "in_round",
    "lint",
    "rates",
    "run",
]
