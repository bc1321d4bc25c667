"""What a contender measures of itself; knows nothing but the standard library."""
# ruff: noqa: ANN401 - types of a peer

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Measured:
    """Clock, processor time and tokens at the end of every optimizer step."""

    steps: list[dict[str, float]] = field(default_factory=list)
    tokens: int = 0

    def step(self) -> None:
        """Note the end of a step."""
        self.steps.append(
            {"clock": time.monotonic(), "cpu": time.process_time(), "tokens": float(self.tokens)}
        )

    def write(self, path: str, **more: Any) -> None:
        """Leave everything in a file, with the peak of resident memory in GB."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        Path(path).write_text(json.dumps({"steps": self.steps, "peak_gb": peak, **more}))
