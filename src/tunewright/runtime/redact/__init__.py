"""Personal data and secrets in texts: found, and replaced by placeholders; never promised to be complete."""

from __future__ import annotations

from tunewright.runtime.redact.find import Detector, find
from tunewright.runtime.redact.gazetteer import is_name, is_word, measured
from tunewright.runtime.redact.kinds import KINDS, Finding, Kind
from tunewright.runtime.redact.placeholders import Masked, mask

__all__ = ["KINDS", "Detector", "Finding", "Kind", "Masked", "find", "is_name", "is_word", "mask", "measured"]
