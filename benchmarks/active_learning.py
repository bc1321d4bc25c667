"""How many labels active learning needs for what random choice reaches with 2,500.

banking77, 77 intents, 10,003 training questions to choose from, accuracy on the 3,080 official test
questions of the logistic regression on static embeddings that pre-labels. Batches of 100 from nothing (cold
start included), seeds 10 to 14: settings were chosen on seeds 0 to 2. The share is that of the labels at
which the accuracy of random choice with 2,500 labels and the same seed is first reached, between batches by
straight line; 1 where it never was. `--quick`: two seeds. Finished runs are kept in
`.work/active_learning`.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from scipy.stats import t as student

from benchmarks.record import WORK, need_dataset, record
from tunewright.data.active import STRATEGIES, Pool, Strategy, choose, guesses

LABELS = 2500
BATCH = 100
SEEDS = (10, 11, 12, 13, 14)
Curve = list[tuple[int, float]]


def main() -> None:
    """Run every strategy with every seed, or go on with it, and record the shares."""
    quick = "--quick" in sys.argv
    seeds = SEEDS[:2] if quick else SEEDS
    train, test = (_read(need_dataset("banking77") / name) for name in ("train.csv", "test.csv"))
    pool = Pool.of([text for text, _ in (*train, *test)])
    labels = [label for _, label in (*train, *test)]
    curves = {
        (strategy, seed): _kept(strategy, seed, pool, labels, len(train))
        for strategy in STRATEGIES
        for seed in seeds
    }
    target = {seed: curves["random", seed][0][-1][1] for seed in seeds}
    figures: dict[str, float | int | None] = {"labels": LABELS, "batch": BATCH, "seeds": len(seeds)}
    figures |= _interval("accuracy_random", list(target.values()))
    for strategy in STRATEGIES[:-1]:
        name = "label_share" if strategy == "active" else f"label_share_{strategy}"
        reached = [_reached(curves[strategy, seed][0], target[seed]) for seed in seeds]
        figures |= _interval(name, [found or 1.0 for found in reached])
        figures[f"{name}_not_reached"] = reached.count(None)
        figures[f"accuracy_{strategy}"] = statistics.mean(curves[strategy, seed][0][-1][1] for seed in seeds)
    for labelled in (500, 1000, 1500):
        for strategy in STRATEGIES:
            at = [dict(curves[strategy, seed][0])[labelled] for seed in seeds]
            figures[f"accuracy_{strategy}_at_{labelled}"] = statistics.mean(at)
    figures["cpu_minutes"] = sum(seconds for _, seconds in curves.values()) / 60
    record("active_learning", figures, quick=quick)


def _read(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="") as file:
        return [(text, label) for text, label in list(csv.reader(file))[1:]]


def _kept(
    strategy: Strategy, seed: int, pool: Pool, labels: Sequence[str], train: int
) -> tuple[Curve, float]:
    path = WORK / "active_learning" / f"{strategy}-{seed}.json"
    if not path.exists():
        started = time.process_time()
        curve = _curve(strategy, seed, pool, labels, train)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([curve, time.process_time() - started]))
        print(f"{strategy:<13} seed {seed}: {curve[-1][1]:.4f} with {curve[-1][0]} labels", flush=True)
    curve, seconds = json.loads(path.read_text())
    return [(int(count), float(accuracy)) for count, accuracy in curve], float(seconds)


def _curve(strategy: Strategy, seed: int, pool: Pool, labels: Sequence[str], train: int) -> Curve:
    """Accuracy on the test questions after each batch."""
    labelled: dict[int, str] = {}
    curve: Curve = []
    asked = range(train, len(pool))
    while len(labelled) < LABELS:
        free = [place for place in range(train) if place not in labelled]
        for place in choose(pool, labelled, free, BATCH, strategy=strategy, seed=seed):
            labelled[place] = labels[place]
        said = guesses(pool, labelled, asked)
        right = sum(guess.label == labels[place] for guess, place in zip(said, asked, strict=True))
        curve.append((len(labelled), right / len(asked)))
    return curve


def _reached(curve: Curve, target: float) -> float | None:
    """The share of `LABELS` at which the target is first reached."""
    before = (0, 0.0)
    for count, accuracy in curve:
        if accuracy >= target:
            part = (target - before[1]) / (accuracy - before[1])
            return (before[0] + part * (count - before[0])) / LABELS
        before = (count, accuracy)
    return None


def _interval(name: str, values: Sequence[float]) -> dict[str, float]:
    """Mean over seeds with its 95 % interval by Student's t."""
    mean = statistics.mean(values)
    half = float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": min(1.0, mean + half)}  # a share


if __name__ == "__main__":
    main()
