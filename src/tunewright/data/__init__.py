"""Data: from files of examples to frozen splits without overlap."""

from tunewright.data.checks import check
from tunewright.data.diagnose import Diagnosis, read_diagnosis
from tunewright.data.doctor import Evidence, Finding, examine
from tunewright.data.preview import Preview, PreviewToken, preview
from tunewright.data.run import fingerprint, run
from tunewright.data.spec import Columns, DataSpec

__all__ = [
    "Columns",
    "DataSpec",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Preview",
    "PreviewToken",
    "check",
    "examine",
    "fingerprint",
    "preview",
    "read_diagnosis",
    "run",
]
