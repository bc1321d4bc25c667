"""All 77 intents: the full training file, the official test file, the embedded model, `lora`.

Both files are used as they are; the report gives accuracy with and without the test questions that
have a near-duplicate in train. The test file is looked at once, after training. A stopped benchmark
goes on where it was.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from benchmarks.record import WORK, need_dataset, record
from benchmarks.watch import watch
from tunewright import Project
from tunewright.core.types import Report

EXAMPLE = Path(__file__).parent.parent / "examples" / "banking77"


def main() -> None:
    """Train and evaluate, or go on with it, and record the figures."""
    source = need_dataset("banking77")
    folder = WORK / "banking77"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLE / "tunewright.yaml", folder)
    for name in ("train.csv", "test.csv"):
        if not (folder / "data" / name).exists():
            shutil.copyfile(source / name, folder / "data" / name)
    cost = watch([sys.executable, "-m", "tunewright", "run", "--only", "evaluate"], cwd=folder)
    _spent(folder, cost.cpu_seconds)
    if cost.code == 2:
        sys.exit("the run failed")
    outcome = Project.open(folder).outcome()
    if outcome.report is None or outcome.checkpoint is None:
        sys.exit("the run was stopped; the same command goes on with it")
    figures = {**_figures(outcome.report), "seeds": 1, "cpu_minutes": _spent(folder) / 60}
    record("banking77", {**figures, "train_peak_gb": outcome.checkpoint.metrics["peak_gb"]})


def _spent(folder: Path, more: float = 0.0) -> float:
    """CPU seconds of this benchmark over all its invocations, `more` added to what is kept."""
    path = folder / "cpu_seconds.json"
    total = more + (json.loads(path.read_text()) if path.exists() else 0.0)
    path.write_text(json.dumps(total))
    return total


def _figures(report: Report) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {"test_examples": report.test_examples}
    for result in report.results:
        for metric in result.metrics:
            ending = "" if result.kind == "tuned" else f"_{result.kind.replace('-', '_')}"
            if metric.name.startswith(("accuracy", "macro_f1")):
                found[metric.name + ending] = metric.value
                if result.kind == "tuned":
                    found |= {f"{metric.name}_low": metric.low, f"{metric.name}_high": metric.high}
    return found


if __name__ == "__main__":
    main()
