"""Data: from files of examples to frozen splits without overlap."""

from tunewright.data.checks import check
from tunewright.data.diagnose import Diagnosis, read_diagnosis
from tunewright.data.difference import Difference, Shift, difference
from tunewright.data.doctor import Evidence, Finding, examine
from tunewright.data.duplicates import Cluster, clusters_of
from tunewright.data.look import Look, look, to_parquet
from tunewright.data.places import places_of
from tunewright.data.preview import Preview, PreviewToken, preview
from tunewright.data.run import fingerprint, run
from tunewright.data.spec import Columns, DataSpec, Deduplicate
from tunewright.data.synthetic import Synthesis, SynthesisSpec, synthesise
from tunewright.data.transform import Transformed, changes_of

__all__ = [
    "Cluster",
    "Columns",
    "DataSpec",
    "Deduplicate",
    "Diagnosis",
    "Difference",
    "Evidence",
    "Finding",
    "Look",
    "Preview",
    "PreviewToken",
    "Shift",
    "Synthesis",
    "SynthesisSpec",
    "Transformed",
    "changes_of",
    "check",
    "clusters_of",
    "difference",
    "examine",
    "fingerprint",
    "look",
    "places_of",
    "preview",
    "read_diagnosis",
    "run",
    "synthesise",
    "to_parquet",
]
