"""What each tuner learns, costs and is served as: one word of the spec, the whole line from the command line.

Eight intents of banking77 that are easily confused, the embedded model, two epochs. A fresh process opens the
checkpoint as it is served: the measure is the log-probability of a token of the right answer,
averaged by question of the test file, before and after, with a paired interval. A stopped benchmark goes on
where it was.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.record import WORK, need_dataset, record
from benchmarks.watch import watch
from tunewright import Project
from tunewright.core.stats import bootstrap_mean
from tunewright.core.types import Checkpoint, Example
from tunewright.deploy.release import as_checkpoint
from tunewright.runtime import examples, models, plugins
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat
from tunewright.runtime.engine import Engine
from tunewright.runtime.plugins import Named

WORDS = {
    "full": "full",
    "lora": "lora",
    "lora_rslora": "{lora: {rslora: true}}",
    "dora": "dora",
    "dora_rslora": "{dora: {rslora: true}}",
    "qlora_4": "qlora",
    "qlora_8": "{qlora: {bits: 8}}",
    "ia3": "ia3",
    "prefix": "prefix",
    "prompt": "prompt",
    "bottleneck": "bottleneck",
}
"""What stands behind `tuner:` in the spec."""
INTENTS = (
    "card_arrival",
    "card_delivery_estimate",
    "card_not_working",
    "declined_card_payment",
    "lost_or_stolen_card",
    "card_payment_fee_charged",
    "pending_card_payment",
    "card_payment_not_recognised",
)
TRAIN, TEST = 16, 12
"""Questions of an intent."""
SPEC = """name: tuners
define: {objective: Name the intent of a bank customer's question., task: classification}
data: {sources: [data/train.csv], test: [data/test.csv], split: {validation: 0.1, overlap: remove}}
train: {epochs: 2, batch: 8, evaluations: 1, tracker: null}
evaluate:
  candidates: [zero-shot, tuned]
  prompts: ["{objective} One of: {labels}."]
  validation_examples: 1
  latency_examples: 0
deploy: {parity_prompts: 4, parity_tokens: 12}
"""
SERVED = Named(name="transformers")
EXACT = Named(name="transformers", options={"dtype": "float32", "merge": False})
EVERY, COMPARED = 2, 4
"""Of the test questions every second is judged (the report of the product asks all of them); of some the
checkpoint, not merged, and the release are compared in float32."""

Likely = list[list[float]]


def main() -> None:
    """Train, release and judge every tuner once, and record the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="TUNER", choices=WORDS, help="some; all if left out")
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    folder = WORK / "tuners"
    if asked.judge:
        print(json.dumps(_judged(folder)))
        return
    _write_project(folder)
    kept = WORK / "tuners.json"
    figures: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    for name in WORDS if asked.only is None else asked.only:
        if f"gain_low_{name}" not in figures:
            figures |= {f"{figure}_{name}": value for figure, value in _figures(name, folder).items()}
            kept.write_text(json.dumps(figures))
    record("tuners", dict(figures))


def _write_project(folder: Path) -> None:
    source = need_dataset("banking77")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "tunewright.yaml").write_text(SPEC)
    for name, count in (("train", TRAIN), ("test", TEST)):
        with (source / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        of = {intent: [row for row in rows if row["category"] == intent][:count] for intent in INTENTS}
        with (folder / "data" / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "category"])
            writer.writeheader()
            writer.writerows(row for found in of.values() for row in found)


def _figures(name: str, folder: Path) -> dict[str, float]:
    """One tuner: its costs by the checkpoint, what it is worth by a fresh process."""
    chosen = f"train.tuner={WORDS[name]}"
    cost = watch([sys.executable, "-m", "tunewright", "run", "--only", "deploy", "--set", chosen], cwd=folder)
    if cost.code == 2:
        sys.exit(f"{name}: the run failed")
    made = Project.open(folder).outcome()
    assert made.checkpoint is not None and made.report is not None and made.release is not None
    judge = [sys.executable, "-m", "benchmarks.tuners", "--judge"]
    found = subprocess.run(
        judge, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    metrics, base = made.checkpoint.metrics, made.checkpoint.base.parameters
    trained = made.checkpoint.trained_parameters
    weights = sum(file.stat().st_size for file in made.checkpoint.path.glob("*.safetensors"))
    accuracy = {one.name: one.metric("accuracy") for one in made.report.results}
    tuned, zero = accuracy["tuned"], accuracy["zero-shot"]
    assert tuned is not None and zero is not None
    figures = {
        "trained": trained,
        "trained_share": trained / (base if made.checkpoint.tuner == "full" else base + trained),
        "saved_mb": weights / 1e6,
        "cpu_seconds_per_step": metrics["cpu_seconds"] / metrics["steps"],
        "peak_gb": metrics["peak_gb"],
        **json.loads(found.stdout.splitlines()[-1]),
        "accuracy": tuned.value,
        "accuracy_low": tuned.low,
        "accuracy_high": tuned.high,
        "accuracy_zero_shot": zero.value,
        "parity_prompts": float(made.release.parity[0].prompts),
        "parity_equal": float(made.release.parity[0].equal),
        "released_merged": float(made.release.form == "merged"),
        "merge_refused": float(_refused(folder, chosen, "merged")),
        "adapter_refused": float(_refused(folder, chosen, "adapter")),
    }
    print(name, json.dumps(figures), flush=True)
    return figures


def _refused(folder: Path, chosen: str, form: str) -> bool:
    """Whether that form of the tuner is refused before anything is trained; the reason is shown."""
    found = Project.open(folder, settings=(chosen, f"deploy.export={form}")).check()
    reasons = [f"{one.what}; {one.fix}" for one in found if one.where == "deploy.export" and one.fatal]
    print(*reasons, sep="\n")
    return bool(reasons)


def _judged(folder: Path) -> dict[str, float]:
    """What the newest checkpoint and its release say of the test questions, beside the untouched base."""
    made = Project.open(folder).outcome()
    assert made.checkpoint is not None and made.release is not None and made.dataset is not None
    questions = examples.read(made.dataset, "test")[::EVERY]
    base = models.resolve(made.checkpoint.base.name, environment.read())
    before = _kept(base, questions, made.checkpoint.instruction)
    after = _likely(made.checkpoint, questions, made.checkpoint.instruction)
    few = questions[:COMPARED]
    forms = (made.checkpoint, as_checkpoint(made.release))
    exact, served = (_likely(one, few, made.checkpoint.instruction, EXACT) for one in forms)
    gain = bootstrap_mean([fmean(one) - fmean(two) for one, two in zip(after, before, strict=True)])
    apart = [
        abs(a - b) for one, two in zip(exact, served, strict=True) for a, b in zip(one, two, strict=True)
    ]
    return {
        "held_out": float(len(questions)),
        "before": fmean(map(fmean, before)),
        "after": fmean(map(fmean, after)),
        "gain_low": gain.low,
        "gain_high": gain.high,
        "released_apart": max(apart),
    }


def _kept(base: Checkpoint, questions: Sequence[Example], instruction: str | None) -> Likely:
    """What the base finds likely, which is the same for every tuner."""
    kept = WORK / "tuners" / "base.json"
    if not kept.exists():
        kept.write_text(json.dumps(_likely(base, questions, instruction)))
    found: Likely = json.loads(kept.read_text())
    return found


def _likely(
    checkpoint: Checkpoint, questions: Sequence[Example], instruction: str | None, how: Named = SERVED
) -> Likely:
    """Of every question the log-probabilities of the right answer's tokens, by the engine that serves."""
    method, engine = plugins.make("methods", Named(name="sft")), plugins.make("engines", how)
    items = method.render(questions, Chat.load(checkpoint.path), instruction)
    opened: Engine = engine.open(checkpoint, environment.read())
    found = [row.logprobs for row in asyncio.run(opened.read([item.ids for item in items]))]
    opened.close()
    return [
        [value for value, trained in zip(values, item.trained[1:], strict=True) if trained]
        for values, item in zip(found, items, strict=True)
    ]


if __name__ == "__main__":
    main()
