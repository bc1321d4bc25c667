"""The doctor: what is wrong with examples, ranked by the harm that is expected of it."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.answers import formats, references, supervised_share
from tunewright.data.doctor.contradictions import contradictions
from tunewright.data.doctor.endings import truncated
from tunewright.data.doctor.finding import Evidence, Finding
from tunewright.data.doctor.labels import imbalance, label_errors
from tunewright.data.doctor.languages import languages
from tunewright.data.doctor.shapes import preferences, templates
from tunewright.data.doctor.size import size
from tunewright.data.doctor.variety import diversity, leaks
from tunewright.data.doctor.wording import apologies, boilerplate

__all__ = ["Evidence", "Finding", "examine", "leaks", "ranked", "size"]

_LOOKS = (
    *(contradictions, label_errors, imbalance),
    *(truncated, formats, references, supervised_share),
    *(boilerplate, apologies, languages),
    *(diversity, templates, preferences),
)


def examine(examples: Sequence[Example]) -> tuple[Finding, ...]:
    """Everything that the doctor finds in examples that belong together, the worst first."""
    return ranked([finding for look in _LOOKS for finding in look(examples)])


def ranked(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings by the harm that is expected of them, the worst first."""
    return tuple(sorted(findings, key=lambda finding: (-finding.weight, finding.kind)))
