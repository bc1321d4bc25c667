"""How long `import tunewright` and `tunewright --help` take, beside a bare interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import record

REPEATS = 15


def main() -> None:
    """Measure each command in turn, interleaved, and record the medians."""
    commands = {
        "bare_seconds": [sys.executable, "-c", "pass"],
        "import_seconds": [sys.executable, "-c", "import tunewright"],
        "help_seconds": [str(Path(sys.executable).parent / "tunewright"), "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(REPEATS):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times[name].append(time.perf_counter() - started)
    record("startup", {name: statistics.median(seen) for name, seen in times.items()})


if __name__ == "__main__":
    main()
