"""Define: from an objective in words to a frozen task with targets."""

from tunewright.define.checks import check
from tunewright.define.metrics import default_metrics
from tunewright.define.run import fingerprint, run
from tunewright.define.spec import DefineSpec

__all__ = ["DefineSpec", "check", "default_metrics", "fingerprint", "run"]
