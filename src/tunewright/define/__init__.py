"""Define: from an objective in words to a frozen task with targets."""

from tunewright.define.checks import check
from tunewright.define.run import fingerprint, run
from tunewright.define.spec import DefineSpec

__all__ = ["DefineSpec", "check", "fingerprint", "run"]
