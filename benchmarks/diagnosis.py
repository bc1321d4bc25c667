"""Does a run name the fault that was planted into it, and is it silent over healthy runs?

The model is the embedded one, the data real (`banking77`, six labels drawn anew for every seed); planters are
in `benchmarks/faults/training.py` and share nothing with the detectors. The thresholds were set on runs with
seeds below FIRST, which are not used here.
Recall: runs in which the finding of that kind stands, of those with the fault. False alarms: warnings, of all
that healthy runs could have had.
"""

from __future__ import annotations

import csv
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.faults import training
from benchmarks.record import need_dataset, record
from benchmarks.short_runs import Data, example, fit
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint
from tunewright.runtime import models, settings
from tunewright.runtime.chat import Rendered
from tunewright.runtime.models.local import local_checkpoint
from tunewright.train.diagnose import RULES, diagnose

KINDS = {
    "memorising": ("overfitting",),
    "timid": ("underfitting",),
    "reckless": ("divergence", "NaN"),
    "frozen": ("adapter without effect",),
    "erasing": ("forgetting",),
}
"""What each planter's fault is called; a loss that rises for good may also end as no number."""
HEALTHY: dict[str, Any] = {
    "tuner": {"lora": {"r": 16, "alpha": 32}},
    "epochs": 2,
    "batch": 8,
    "learning_rate": 6e-4,
    "tracker": None,
}
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"learning_rate": 3e-4, "epochs": 3},
    {"tuner": {"dora": {"r": 8, "alpha": 16}}},
    {"batch": 4, "schedule": "linear", "epochs": 1},
)
"""Settings that are right in different ways."""
LABELS, TRAIN, VALIDATION = 6, 120, 40
FIRST, HEALTHY_FIRST = 20, 30
Change = Callable[[Sequence[Rendered]], Sequence[Rendered]]


def main() -> None:
    """Plant every fault in a real run, run healthy ones beside, and record what was said."""
    quick = "--quick" in sys.argv
    seeds = range(FIRST, FIRST + (1 if quick else 2))
    base = models.resolve("smollm2-135m-instruct", settings.read())
    figures: dict[str, float | int | None] = {}
    for name, kinds in KINDS.items():
        found = [set(kinds) & _planted(base, name, seed) for seed in seeds]
        figures[f"recall_{name}"] = sum(map(bool, found)) / len(seeds)
    ends = [_said(base, _data(seed), HEALTHY, seed, _endless) for seed in seeds]
    figures["recall_endless"] = sum("stop token not learned" in said for said in ends) / len(seeds)
    broken = [_poisoned(base, seed) for seed in seeds]
    figures["recall_poisoned"] = sum("NaN" in said for said in broken) / len(seeds)
    alarms = [
        _said(base, _data(seed), {**HEALTHY, **variant}, seed) - {"still falling"}
        for seed, variant in enumerate(VARIANTS[: 2 if quick else None], HEALTHY_FIRST)
    ]
    figures["healthy_runs"] = len(alarms)
    figures["false_alarms"] = sum(map(len, alarms)) / len(alarms) / len(RULES)
    record("diagnosis", figures, quick=quick)


def _data(seed: int) -> Data:
    """Questions of some labels, different ones for every seed."""
    chance = random.Random(seed)
    with (need_dataset("banking77") / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = set(chance.sample(sorted({row["category"] for row in rows}), LABELS))
    kept = [row for row in rows if row["category"] in names]
    chosen = chance.sample(kept, TRAIN + VALIDATION)
    found = [example(str(place), row["text"], row["category"]) for place, row in enumerate(chosen)]
    return found[:TRAIN], found[TRAIN:]


def _planted(base: Checkpoint, name: str, seed: int) -> set[str]:
    train, validation = _data(seed)
    rows = [(one.messages[0].content, one.answer or "") for one in train]
    bad, changed = training.PLANTERS[name](rows, HEALTHY, random.Random(seed))
    examples = [example(str(place), *row) for place, row in enumerate(bad)]
    if name == "erasing":  # what is written over the knowledge is learned, so that it is kept
        validation = examples[:VALIDATION]
    return _said(base, (examples, validation), changed, seed)


def _poisoned(base: Checkpoint, seed: int) -> set[str]:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model"
        shutil.copytree(base.path, copy)
        training.poisoned(copy, random.Random(seed))
        return _said(local_checkpoint(copy), _data(seed), HEALTHY, seed)


def _endless(items: Sequence[Rendered]) -> Sequence[Rendered]:
    return [replace(one, trained=training.endless(one.trained)) for one in items]


def _said(
    base: Checkpoint, data: Data, changed: dict[str, Any], seed: int, change: Change = list
) -> set[str]:
    """Kinds of what a run says of itself."""
    try:
        plan, curve = fit(base, data, changed, seed=seed, change=change, threads=2)
        findings = diagnose(plan, curve)
    except TrainError as error:
        kinds = {getattr(problem, "kind", "") for problem in error.problems}
        print(seed, sorted(kinds), error.problems[0].what, flush=True)
        return kinds
    kinds = {finding.kind for finding in findings}
    ends = (curve.validation[0], curve.validation[-1])
    print(seed, sorted(kinds), *(one.what for one in findings), *ends, sep="\n  ", flush=True)
    return kinds


if __name__ == "__main__":
    main()
