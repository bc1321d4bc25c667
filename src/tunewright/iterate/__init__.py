"""Iterate: what failed, grouped, and what the next spec should change."""

from tunewright.iterate.checks import check
from tunewright.iterate.run import fingerprint, run
from tunewright.iterate.spec import IterateSpec

__all__ = ["IterateSpec", "check", "fingerprint", "run"]
