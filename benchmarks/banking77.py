"""All 77 intents: the full training file, the official test file, the embedded model, `lora`.

Both files are used as they are; the report gives accuracy with and without the test questions that
have a near-duplicate in train. The test file is looked at once a seed, after training. A stopped benchmark
goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from statistics import fmean, stdev

from benchmarks.record import WORK, need_dataset, record
from benchmarks.watch import watch
from tunewright import Project
from tunewright.core.types import Report

EXAMPLE = Path(__file__).parent.parent / "examples" / "banking77"


SEEDS = (0, 1, 2)


def main() -> None:
    """Train and evaluate with each seed, or go on with it, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    source = need_dataset("banking77")
    folder = WORK / "banking77"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLE / "tunewright.yaml", folder)
    for name in ("train.csv", "test.csv"):
        if not (folder / "data" / name).exists():
            shutil.copyfile(source / name, folder / "data" / name)
    found = {seed: _one(folder, seed) for seed in parser.parse_args().seeds}
    accuracies = [figures["accuracy"] for figures in found.values()]
    first = next(iter(found.values()))
    record(
        "banking77",
        {
            **first,
            "seeds": len(found),
            **{f"accuracy_seed_{seed}": figures["accuracy"] for seed, figures in found.items()},
            "accuracy_mean": fmean(accuracies),
            "accuracy_spread": stdev(accuracies) if len(found) > 1 else None,
            "cpu_minutes": sum(figures["cpu_minutes"] for figures in found.values()),
        },
    )


def _one(folder: Path, seed: int) -> dict[str, float]:
    """What a run with this seed achieves; the split of train and validation is drawn anew, too."""
    chosen = f"seed={seed}"
    command = [sys.executable, "-m", "tunewright", "run", "--only", "evaluate", "--set", chosen]
    cost = watch(command, cwd=folder)
    spent = _spent(folder / f"cpu_seconds_{seed}.json", cost.cpu_seconds)
    if cost.code == 2:
        sys.exit("the run failed")
    outcome = Project.open(folder).outcome()
    if outcome.report is None or outcome.checkpoint is None:
        sys.exit("the run was stopped; the same command goes on with it")
    costs = {"cpu_minutes": spent / 60, "train_cpu_minutes": outcome.checkpoint.metrics["cpu_seconds"] / 60}
    figures = {**_figures(outcome.report), **costs, "train_peak_gb": outcome.checkpoint.metrics["peak_gb"]}
    print(seed, json.dumps(figures), flush=True)
    return figures


def _spent(path: Path, more: float) -> float:
    """CPU seconds of a seed over all invocations, `more` added to what is kept."""
    total = more + (json.loads(path.read_text()) if path.exists() else 0.0)
    path.write_text(json.dumps(total))
    return total


def _figures(report: Report) -> dict[str, float]:
    found: dict[str, float] = {"test_examples": report.test_examples}
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
