"""Finding: what the linter says of settings, and the diagnosis of a run; with the numbers behind it."""

from __future__ import annotations

from pydantic import Field

from tunewright.core import types as core
from tunewright.core.types import Severity


class Finding(core.Finding):
    """One thing that is wrong with a training, or may be."""

    minor: bool = False
    """Whether it is only worth a thought."""
    numbers: dict[str, float] = Field(default={})
    """What it was told by."""
    proof: str = ""
    """Where the harm can be seen: the address of a public thread, or the benchmark of short runs."""

    @property
    def severity(self) -> Severity:
        """How bad it is, in a word."""
        return "note" if self.minor and not self.fatal else super().severity

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}; {self.fix}"
