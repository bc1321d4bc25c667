"""What every plug-in must do: one class a port, to be inherited in the test suite of a plug-in.

A subclass whose name begins with `Test` gives the plug-in; pytest finds the rest:

    class TestMyEngine(EngineConformance):
        def plugin(self) -> EnginePlugin:
            return MyEngine()
"""

from __future__ import annotations

from tunewright.testing.conformance.engines import EngineConformance
from tunewright.testing.conformance.plugins import LABELS, is_frozen_dataclass
from tunewright.testing.conformance.scorers import ScorerConformance
from tunewright.testing.conformance.transforms import TransformConformance

__all__ = [
    "LABELS",
    "EngineConformance",
    "ScorerConformance",
    "TransformConformance",
    "is_frozen_dataclass",
]
