"""Do synthetic examples help where only five real ones of each label are there?

Fifteen desks of `examples/ticket-routing`, the classical rung, the 600 real test questions. For each seed
five questions a desk are drawn; to them come the same number of mistyped ones, three times that number,
thirty paraphrases by the embedded model (weak: 135M parameters), or five more real ones, for comparison.
Differences to the five alone are paired by seed, with a t interval over the seeds. `--quick` asks no teacher.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.record import WORK, record
from tunewright.core.types import Example, Message
from tunewright.data import DataSpec, SynthesisSpec, synthesise
from tunewright.data.synthetic.draft import Ground
from tunewright.evaluate.classical import fit
from tunewright.runtime import models, settings
from tunewright.runtime.context import Context
from tunewright.runtime.workspace import Workspace

DESK = Path(__file__).parent.parent / "examples" / "ticket-routing" / "data"
EACH, SEEDS = 5, 5
MODEL = "smollm2-135m-instruct"
T = 2.7764
"""97.5 % quantile of Student's t with four degrees of freedom."""
TEACHER = {"teacher": "transformers", "model": MODEL, "max_tokens": 48, "number": 30}

Table = list[tuple[str, str]]


def main() -> None:
    """Measure and write the figures."""
    quick = "--quick" in sys.argv
    seeds = SEEDS
    train, test = table("train"), table("test")
    runs = [measure(train, test, seed, taught=not quick) for seed in range(seeds)]
    figures: dict[str, float | int | None] = {"seeds": seeds, "real_each": EACH, "test": len(test)}
    for name in runs[0]:
        values = [run[name] for run in runs]
        figures[name] = sum(values) / seeds
        if name.startswith("accuracy_") and name != "accuracy_real":
            gains = [run[name] - run["accuracy_real"] for run in runs]
            mean, half = sum(gains) / seeds, T * deviation(gains) / seeds**0.5
            gain = name.replace("accuracy", "gain")
            figures |= {gain: mean, f"{gain}_low": mean - half, f"{gain}_high": mean + half}
    record("synthetic", figures, quick=quick)


def table(name: str) -> Table:
    """Questions and desks of a file."""
    with (DESK / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def measure(train: Table, test: Table, seed: int, *, taught: bool) -> dict[str, float]:
    """Accuracy of the classical rung with each kind of examples, and the shares that passed the filters."""
    real, more = drawn(train, seed)
    ground = Ground(
        task="classification",
        objective="Route a question of a bank customer to the right desk.",
        labels=tuple(sorted({label for _, label in train})),
        train=tuple(example(text, label) for text, label in real),
        evaluated=tuple(example(text, label) for text, label in test),
    )
    made, passed = {}, {}
    orders = {"noise": {"kind": "noise"}, "noise_threefold": {"kind": "noise", "each": 3}}
    if taught:
        orders["paraphrase"] = {"kind": "paraphrase", **TEACHER}
    for name, order in orders.items():
        made[name], passed[f"passed_{name}"] = synthetic(ground, order, seed, name)
    sets = {"real": real, "twice_the_real": [*real, *more]}
    sets |= {name: [*real, *found] for name, found in made.items()}
    return {**{f"accuracy_{name}": accuracy(found, test, seed) for name, found in sets.items()}, **passed}


def drawn(train: Table, seed: int) -> tuple[Table, Table]:
    """Five questions of each desk, and five others."""
    by_label = defaultdict[str, list[str]](list)
    for text, label in train:
        by_label[label].append(text)
    chance = random.Random(seed)
    real, more = [], []
    for label in sorted(by_label):
        texts = chance.sample(by_label[label], 2 * EACH)
        real += [(text, label) for text in texts[:EACH]]
        more += [(text, label) for text in texts[EACH:]]
    return real, more


def example(text: str, label: str) -> Example:
    """A question with its desk."""
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=text, messages=turns, label=label)


def synthetic(ground: Ground, order: dict[str, object], seed: int, name: str) -> tuple[Table, float]:
    """What the product makes of the ground, and the share that passed; answers of the teacher are kept."""
    project = WORK / "synthetic" / f"seed-{seed}"
    output = project / f"{name}.jsonl"
    output.unlink(missing_ok=True)
    project.mkdir(parents=True, exist_ok=True)
    here = settings.read()
    context = Context(
        project=project,
        workspace=Workspace(project / ".tunewright"),
        settings=here,
        step="synthesise",
        artifact_id="synthesise",
        folder=project / "partial",
    )
    spec = SynthesisSpec.parse({"number": 1000, **order, "seed": seed, "output": output.name})
    checkpoint = models.resolve(MODEL, here) if spec.teacher else None
    found = synthesise(context, spec, DataSpec(sources=("none.csv",)), ground, checkpoint)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    return [(row["text"], row["label"]) for row in rows], found.share


def accuracy(found: Table, test: Table, seed: int) -> float:
    """Share of the test questions that a classifier fitted on these examples sends to the right desk."""
    model = fit([text for text, _ in found], [label for _, label in found], seed=seed)
    answers = model.predict([text for text, _ in test])
    return sum(answer == label for answer, (_, label) in zip(answers, test, strict=True)) / len(test)


def deviation(values: Sequence[float]) -> float:
    """Sample standard deviation."""
    mean = sum(values) / len(values)
    return float((sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5)


if __name__ == "__main__":
    main()
