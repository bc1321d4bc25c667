"""The walk of `make demo`: from spec to verdict on real bank-customer questions, from nothing.

The weights are converted beforehand; everything else is made anew in an empty folder.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.record import WORK, record
from benchmarks.watch import watch
from tunewright import Project
from tunewright.core.types import Report

EXAMPLE = Path(__file__).parent.parent / "examples" / "ticket-routing"


def main() -> None:
    """Walk the example from nothing and record what it cost and reached."""
    folder = WORK / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".tunewright"))
    tunewright = [sys.executable, "-m", "tunewright"]
    watch([*tunewright, "models", "fetch", "smollm2-135m-instruct"], cwd=folder)
    cost = watch([*tunewright, "run"], cwd=folder)
    if cost.code == 2:
        sys.exit("the walk failed")
    report = Project.open(folder).outcome().report
    assert report is not None
    record("demo", {"walk_seconds": cost.seconds, "peak_gb": cost.peak_gb, **_figures(report)})


def _figures(report: Report) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {"test_examples": report.test_examples}
    accuracy = {result.name: result.metric("accuracy") for result in report.results}
    for result in report.results:
        metric = accuracy[result.name]
        found[f"accuracy_{result.kind.replace('-', '_')}"] = metric.value if metric else None
    prompts = [name for name in ("zero-shot", "few-shot") if accuracy.get(name)]
    best = max(prompts, key=lambda name: accuracy[name].value)  # type: ignore[union-attr]
    gain = next(c for c in report.comparisons if (c.a, c.b) == ("tuned", best))
    return {**found, "gain": gain.difference, "gain_low": gain.low, "gain_high": gain.high}


if __name__ == "__main__":
    main()
