"""Does what the linter warns of do harm? Short runs with the fault and with the remedy, side by side.

Every rule that cites no public thread has a pair here. The model is the tiny random one, the data real
(`banking77`, four labels); three seeds. A figure is the mean of the harm over the seeds: how much worse the
validation loss is (in nats a token), unless its line says otherwise.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.record import need_dataset, record
from benchmarks.short_runs import Data, example, fit, weighed
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint, Message
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.train.ports import Curve

SEEDS = 3
LABELS = 4
LIMIT = 2e-3
"""The highest rate that the linter lets pass for LoRA."""
LOST = 10.0
"""Loss that a run without a number at its end is said to have."""
Measure = Callable[[Curve], float]


def main() -> None:
    """Run every pair, and record how much worse the fault is."""
    every = banking(LABELS)
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_checkpoint(Path(folder) / "base")
        figures: dict[str, float | int | None] = {}
        for kind, pair in PAIRS.items():
            harms = [pair.harm(base, every, seed) for seed in range(SEEDS)]
            figures[kind.replace(" ", "_")] = statistics.mean(harms)
            figures[f"{kind.replace(' ', '_')}_least"] = min(harms)
            print(kind, [round(one, 3) for one in harms], flush=True)
    record("linter", figures)


def banking(labels: int) -> Data:
    """Questions of the first labels, an eighth of them for validation."""
    folder = need_dataset("banking77")
    with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["category"] for row in rows})[:labels]
    kept = [row for row in rows if row["category"] in names]
    found = [example(str(place), row["text"], row["category"]) for place, row in enumerate(kept)]
    return [one for place, one in enumerate(found) if place % 8], found[::8]


SETTINGS: dict[str, Any] = {
    "tuner": {"lora": {"r": 8, "alpha": 16}},
    "backend": {"local": {"precision": "fp32"}},
    "epochs": 3,
    "batch": 8,
    "learning_rate": 1e-3,
    "patience": 0,
}


def kept(curve: Curve) -> float:
    """The validation loss of what is kept."""
    return curve.best.loss if curve.best else LOST


def last(curve: Curve) -> float:
    """The validation loss where the run ended."""
    return curve.validation[-1].loss


def past(curve: Curve) -> float:
    """How far the validation loss where the run ended lies above its lowest."""
    return last(curve) - min(look.loss for look in curve.validation)


def steps(curve: Curve) -> float:
    """Steps that were taken."""
    return float(len(curve.losses))


class Pair:
    """The fault and its remedy, and what is compared."""

    def __init__(
        self, fault: dict[str, Any], remedy: dict[str, Any] | None = None, measure: Measure = kept
    ) -> None:
        self.fault, self.remedy, self.measure = fault, remedy or {}, measure

    def harm(self, base: Checkpoint, data: Data, seed: int) -> float:
        """How much worse the fault is."""
        found = [self.run(base, data, seed, changes) for changes in (self.fault, self.remedy)]
        return found[0] - found[1]

    def run(self, base: Checkpoint, data: Data, seed: int, changes: dict[str, Any]) -> float:
        """What is measured of one side."""
        pick, change = changes.get("data", lambda one: one), changes.get("change", list)
        told = {key: value for key, value in changes.items() if key not in ("data", "change")}
        try:
            _, curve = fit(base, pick(data), {**SETTINGS, **told}, seed=seed, change=change)
            return self.measure(curve)
        except TrainError:
            return LOST


def first(count: int) -> Callable[[Data], Data]:
    """Only so many training examples."""
    return lambda data: (data[0][:: max(1, len(data[0]) // count)][:count], data[1])


def constant(data: Data) -> Data:
    """Every training example with the answer of the first."""
    said = data[0][0].messages[-1]
    return [one.model_copy(update={"messages": (one.messages[0], said)}) for one in data[0]], data[1]


def contrary(data: Data) -> Data:
    """Validation answers that training moves away from."""
    said = Message(role="assistant", content="zzzz")
    return data[0], [one.model_copy(update={"messages": (one.messages[0], said)}) for one in data[1]]


def leaked(data: Data) -> Data:
    """Validation examples that stand in training."""
    return data[0][:60], data[0][:60]


def apart(data: Data) -> Data:
    """The same training examples with honest ones for validation."""
    return data[0][:60], data[1]


class Spread(Pair):
    """How far the loss of a few validation examples strays, against that of many."""

    def harm(self, base: Checkpoint, data: Data, seed: int) -> float:
        """Standard deviation over eight choices, few less many."""
        train, validation = data

        def strays(size: int) -> float:
            parts = [validation[place :: len(validation) // size][:size] for place in range(2)]
            short = {**SETTINGS, "epochs": 1}
            looks = [kept(fit(base, (train[:80], part), short, seed=seed)[1]) for part in parts]
            return statistics.stdev(looks)

        return strays(5) - strays(40)


PAIRS: dict[str, Pair] = {
    "hopeless rate": Pair({"learning_rate": 0.5}, measure=last),
    "low rate": Pair({"learning_rate": 1e-6}),
    # how far the run ends above its lowest validation loss
    "by heart": Pair({"data": first(300), "epochs": 25}, {"data": first(300)}, past),
    # the next five showed no harm and are no rules: kept here so that the figures can be repeated
    "no dropout": Pair(
        {"data": first(100), "epochs": 12},
        {"data": first(100), "epochs": 12, "tuner": {"lora": {"r": 8, "alpha": 16, "dropout": 0.1}}},
        last,
    ),
    "constant high rate": Pair(
        {"learning_rate": LIMIT, "schedule": "constant"},
        {"learning_rate": LIMIT},
        last,
    ),
    "no warm-up": Pair({"learning_rate": LIMIT, "warmup": 0}, {"learning_rate": LIMIT}),
    "single examples": Pair({"batch": 1, "learning_rate": 1e-2}, {"batch": 8, "learning_rate": 1e-2}, last),
    "long warm-up": Pair({"warmup": 0.9, "epochs": 1}, {"epochs": 1}),
    "few steps": Pair({"data": first(40), "batch": 16}, {"data": first(40), "batch": 4}),
    "batch over data": Pair({"data": first(24), "batch": 64}, {"data": first(24), "batch": 3}),
    "large batch": Pair({"batch": 1024}, {"batch": 16}),
    # steps that are taken past the best
    "idle patience": Pair(
        {"data": contrary, "patience": 3, "evaluations": 1},
        {"data": contrary, "patience": 3, "evaluations": 4},
        steps,
    ),
    "small validation": Spread({}),
    # trained numbers of an adapter with rank 40 and of one with rank 3
    "rank over width": Pair(
        {"tuner": {"lora": {"r": 40, "alpha": 80}}, "epochs": 0.1},
        {"tuner": {"lora": {"r": 3, "alpha": 6}}, "epochs": 0.1},
        lambda curve: float(curve.trained_parameters),
    ),
    "idle dropout": Pair(
        {"tuner": {"lora": {"r": 8, "alpha": 16, "dropout": 0.3}}, "epochs": 1}, {"epochs": 1}
    ),
    "one answer": Pair({"data": constant}),
    # a tenth of the examples; a single heavy one does no harm
    "extreme weights": Pair({"change": weighed([50.0] * 48)}),
    # how much too good the validation loss looks
    "validation in training": Pair({"data": apart, "epochs": 20}, {"data": leaked, "epochs": 20}),
}

if __name__ == "__main__":
    main()
