"""Data: from files of examples to frozen splits without overlap."""

from tunewright.data.checks import check
from tunewright.data.preview import Preview, PreviewToken, preview
from tunewright.data.run import fingerprint, run
from tunewright.data.spec import Columns, DataSpec

__all__ = ["Columns", "DataSpec", "Preview", "PreviewToken", "check", "fingerprint", "preview", "run"]
