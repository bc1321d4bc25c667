"""What each method changes on real data it has not seen: before and after, with a paired interval.

The embedded model, `lora` r=16. Of pairs the measure is the share whose better answer is the likelier as a
whole (`orpo`: by the mean over its tokens); of `kto` the same, on pairs that it never sees as pairs; of `sft`
and `cpt` the log-probability of a held-out token, averaged by example.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from benchmarks.record import WORK, need_dataset, record
from benchmarks.short_runs import fit
from tunewright.core.stats import bootstrap_mean
from tunewright.core.types import Checkpoint, Example, Message
from tunewright.runtime import models, plugins
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.plugins import Named
from tunewright.train.torch.batches import collate
from tunewright.train.torch.llama import FastLlama

CPU = torch.device("cpu")
HELD_OUT = 200


@dataclass(frozen=True, kw_only=True)
class Case:
    """A method on a data set; `train` examples are learned from."""

    method: str
    data: str
    train: int
    settings: dict[str, Any]


CASES = (
    Case(method="sft", data="e2e_nlg", train=400, settings={"learning_rate": 5e-4}),
    Case(method="cpt", data="legal_plain", train=200, settings={"learning_rate": 5e-4}),
    Case(method="dpo", data="rasbt_preference", train=500, settings={"learning_rate": 5e-5}),
    Case(method="orpo", data="rasbt_preference", train=500, settings={"learning_rate": 3e-4}),
    Case(method="kto", data="rasbt_preference", train=300, settings={"learning_rate": 5e-5}),
)
SHARED: dict[str, Any] = {"epochs": 1, "batch": 16, "tracker": None, "evaluations": 1}


def main() -> None:
    """Train every case once, and record what it changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="METHOD", help="some methods; all if left out")
    only = parser.parse_args().only
    base = models.resolve("smollm2-135m-instruct", environment.read())
    kept = WORK / "methods.json"
    figures: dict[str, float] = json.loads(kept.read_text()) if kept.exists() else {}
    for case in CASES:
        if only is None or case.method in only:
            figures |= _figures(case, base)
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(figures))
    record("methods", dict(figures))


def _figures(case: Case, base: Checkpoint) -> dict[str, float]:
    examples = list(_examples(case.data))
    random.Random(0).shuffle(examples)
    held, train = examples[:HELD_OUT], examples[HELD_OUT : HELD_OUT + case.train]
    folder = WORK / "methods" / case.method
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = {**SHARED, **case.settings, "method": case.method}
    _, curve = fit(base, (train, held[:40]), settings, threads=environment.read().threads, keep=folder)
    judging = "dpo" if case.method == "kto" else case.method  # pairs are pairs, however they were learned
    method = plugins.make("methods", Named(name=judging))
    items = method.render(held, Chat.load(base.path), "Answer.")
    loaded = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    tuned = PeftModel.from_pretrained(loaded, folder)
    after = [_value(judging, FastLlama(tuned), item) for item in items]
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            weight.data.zero_()
    before = [_value(judging, FastLlama(tuned), item) for item in items]
    low, high = bootstrap_mean([one - other for one, other in zip(after, before, strict=True)])
    print(f"{case.method}: {fmean(before):.3f} -> {fmean(after):.3f} [{low:+.3f}, {high:+.3f}]", flush=True)
    named = {
        "before": fmean(before),
        "after": fmean(after),
        "gain_low": low,
        "gain_high": high,
        "held_out": float(len(items)),
        "seconds": curve.seconds,
    }
    return {f"{name}_{case.method}": value for name, value in named.items()}


def _value(method: str, network: FastLlama, item: Rendered) -> float:
    """Whether the better answer is the likelier, or the mean log-probability of a trained token."""
    batch = collate([item], 0, CPU)
    losses, _ = network.judge(batch)
    if item.beside is None:
        return -float(losses.mean())
    values = batch.means(-losses) if method == "orpo" else batch.sums(-losses)
    return float(values[0] > values[1])


def _examples(name: str) -> Iterator[Example]:
    folder = need_dataset(name)
    if name == "rasbt_preference":
        (file,) = folder.glob("*.json")
        for number, row in enumerate(json.loads(file.read_text())):
            if row["chosen"] != row["rejected"]:
                asked = f"{row['instruction']}\n{row['input']}".strip()
                yield _asked(number, asked, row["chosen"], rejected=row["rejected"])
    elif name == "e2e_nlg":
        with (folder / "devset.csv").open(newline="") as file_:
            seen: set[str] = set()
            for number, row in enumerate(csv.DictReader(file_)):
                if row["mr"] not in seen:  # several texts for one meaning would stand on both sides
                    seen.add(row["mr"])
                    yield _asked(number, f"Describe: {row['mr']}", row["ref"])
    else:
        for number, row in enumerate(json.loads((folder / "all_v1.json").read_text()).values()):
            yield Example(id=str(number), text=row["original_text"])


def _asked(number: int, question: str, answer: str, rejected: str | None = None) -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=str(number), messages=turns, rejected=rejected)


if __name__ == "__main__":
    main()
