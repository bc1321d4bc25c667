"""Train: a base model and a dataset become a checkpoint."""

from tunewright.train.checks import check
from tunewright.train.run import fingerprint, run
from tunewright.train.spec import TrainSpec

__all__ = ["TrainSpec", "check", "fingerprint", "run"]
