"""Is the winner of a sweep better than the default settings, on questions that chose nothing?

Twelve intents of BANKING77, ten training and ten validation questions each, the embedded model with every
setting left at its default; the sweep tries rate, batch and rank beside that, two trials at a time with
pruning. It chooses on validation; `gain_low` is the lower end of the paired 95 % interval of winner
minus default on the official test questions of those intents, which are asked once, at the end. A stopped
benchmark goes on where it was.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from benchmarks.record import WORK, need_dataset, record
from tunewright import Project
from tunewright.core.types import Checkpoint, Event
from tunewright.loop.sweep.leaderboard import Leaderboard

INTENTS, TRAIN, VALIDATION = 12, 10, 10
TRIALS, QUICK_TRIALS = 8, 3
SPEC = {
    "name": "sweep",
    "define": {"objective": "Name the intent of a bank customer's question.", "task": "classification"},
    "data": {"sources": ["train.csv"], "validation": ["validation.csv"], "test": ["test.csv"]},
    "train": {"tracker": None},
    "sweep": {
        "paths": {
            "train.learning_rate": {"low": 3e-4, "high": 3e-3, "log": True},
            "train.batch": [4, 8, 16],
            "train.tuner.r": [8, 16, 32],
        },
        "workers": 2,
    },
}
Rows = list[dict[str, str]]


def main() -> None:
    """Sweep, or go on with it, and record the figures."""
    quick = "--quick" in sys.argv
    folder = _project(WORK / "sweep", QUICK_TRIALS if quick else TRIALS)
    project = Project.open(folder)
    board = project.sweep(listen=_told)
    for row in board.rows:
        print(row.state, row.name, row.metric, row.problem)
    record("sweep", {**_figures(board), "train_cpu_minutes": _cpu_minutes(project, board)}, quick=quick)


def _project(folder: Path, trials: int) -> Path:
    """The folder with its three files; the same at every call."""
    source, chance = need_dataset("banking77"), random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (_read(source / f"{name}.csv") for name in ("train", "test"))
    intents = sorted(chance.sample(sorted({row["category"] for row in train}), INTENTS))
    learned: Rows = []
    held_out: Rows = []
    for intent in intents:
        found = [row for row in train if row["category"] == intent]
        drawn = chance.sample(found, TRAIN + VALIDATION)
        learned += drawn[:TRAIN]
        held_out += drawn[TRAIN:]
    asked = [row for row in test if row["category"] in intents]
    for name, rows in (("train", learned), ("validation", held_out), ("test", asked)):
        _write(folder / f"{name}.csv", rows)
    spec = {**SPEC, "sweep": {**SPEC["sweep"], "trials": trials}}  # type: ignore[dict-item]
    (folder / "tunewright.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return folder


def _figures(board: Leaderboard) -> dict[str, float | int | None]:
    complete = [row for row in board.rows if row.metric is not None]
    default = next((row.metric for row in complete if not row.settings), None)
    best = board.best.metric
    before, after = board.test
    return {
        "gain_low": board.gain.low if board.gain else 0.0,
        "gain": board.gain.difference if board.gain else 0.0,
        "gain_high": board.gain.high if board.gain else 0.0,
        "test_default": before.value,
        "test_winner": after.value,
        "test_questions": after.n,
        "validation_default": default.value if default else None,
        "validation_winner": best.value if best else None,
        "validation_questions": board.questions,
        "optimism": best.value - after.value if best else None,
        "trials": len(board.rows),
        "pruned": sum(row.state == "pruned" for row in board.rows),
        "failed": sum(row.state == "failed" for row in board.rows),
        "not_distinguishable": sum(row.tied for row in complete) - 1,
    }


def _cpu_minutes(project: Project, board: Leaderboard) -> float:
    """CPU minutes of the training of all trials that came to their end."""
    made = [project.workspace.find(row.checkpoint, Checkpoint) for row in board.rows if row.checkpoint]
    return sum(one.metrics["cpu_seconds"] for one in made if one is not None) / 60


def _told(event: Event) -> None:
    if event.kind == "note" and event.step == "sweep":
        print(event.message, flush=True)


def _read(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "category"])
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
