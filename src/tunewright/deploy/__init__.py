"""Deploy: pack a checkpoint, prove that it still answers alike, register it."""

from tunewright.deploy.checks import check
from tunewright.deploy.release import as_checkpoint
from tunewright.deploy.run import fingerprint, run
from tunewright.deploy.spec import DeploySpec, ServeSpec

__all__ = ["DeploySpec", "ServeSpec", "as_checkpoint", "check", "fingerprint", "run"]
