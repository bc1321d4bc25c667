"""All 77 intents: the full training file, the official test file, the embedded model, `lora`.

Both files are used as they are; the report gives accuracy with and without the test questions that
have a near-duplicate in train. The test file is looked at once, after training. A stopped benchmark
goes on where it was.
"""

from __future__ import annotations

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
    if cost.code == 2:
        sys.exit("the run failed")
    outcome = Project.open(folder).outcome()
    assert outcome.report is not None
    assert outcome.checkpoint is not None
    record(
        "banking77",
        {
            **_figures(outcome.report),
            "seeds": 1,
            "cpu_minutes": outcome.checkpoint.metrics["cpu_seconds"] / 60,
            "train_minutes": outcome.checkpoint.metrics["seconds"] / 60,
            "peak_gb": outcome.checkpoint.metrics["peak_gb"],
        },
    )


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
