"""Train: a base model and a dataset become a checkpoint."""

from tunewright.train.checks import check, rates
from tunewright.train.lint import RULES, lint
from tunewright.train.run import examine, fingerprint, run
from tunewright.train.spec import TrainSpec

__all__ = ["RULES", "TrainSpec", "check", "examine", "fingerprint", "lint", "rates", "run"]
