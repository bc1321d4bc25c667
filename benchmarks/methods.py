"""What each method changes on real data it has not seen: before and after, with a paired interval.

The embedded model, `lora` r=16. The held-out examples share no question with those learned from, nor with
the validation examples that settings (`--validation`) and the kept weights were chosen by. Restaurant copy is
held out from the official test file; several texts for one meaning are one example. A run that was stopped
goes on where it was, in `benchmarks/.work/methods`.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from benchmarks.held_out import Measure, Subject, answers, log_probability, preferred, rated
from benchmarks.record import WORK, need_dataset, record
from benchmarks.short_runs import fit
from tunewright.core.stats import bootstrap_mean
from tunewright.core.types import Checkpoint, Example, Message
from tunewright.runtime import models
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import TOKENIZER, TOKENIZER_SETTINGS
from tunewright.train.ports import Curve

HELD_OUT = 200
VALIDATION = 40
FOLDER = WORK / "methods"
FIGURES = WORK / "methods.json"
SHARED: dict[str, Any] = {"epochs": 1, "batch": 16, "tracker": None, "evaluations": 1}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A method on a data set."""

    name: str
    data: str
    train: slice
    """Which of the examples that are not held out are learned from."""
    settings: dict[str, Any]
    measure: Measure
    start: str = ""
    """The case whose model it goes on from."""
    teacher: str = ""
    rater: str = ""

    @property
    def folder(self) -> Path:
        """Where its adapter is kept."""
        return FOLDER / self.name


CASES = (
    Case(
        name="sft",
        data="e2e_nlg",
        train=slice(200),
        settings={"method": "sft", "learning_rate": 5e-4},
        measure=log_probability,
    ),
    Case(
        name="cpt",
        data="legal_plain",
        train=slice(200),
        settings={"method": "cpt", "learning_rate": 5e-4},
        measure=log_probability,
    ),
    Case(
        name="dpo",
        data="rasbt_preference",
        train=slice(500),
        settings={"method": "dpo", "learning_rate": 2e-4},
        measure=preferred,
    ),
    Case(
        name="orpo",
        data="rasbt_preference",
        train=slice(500),
        settings={"method": "orpo", "learning_rate": 3e-4},
        measure=partial(preferred, by_token=True),
    ),
    Case(
        name="kto",
        data="rasbt_preference",
        train=slice(500),
        settings={"method": "kto", "learning_rate": 2e-4},
        measure=preferred,
    ),
    Case(
        name="reward",
        data="rasbt_preference",
        train=slice(500),
        settings={"method": "reward", "learning_rate": 5e-4},
        measure=rated,
    ),
    Case(
        name="distill",
        data="e2e_nlg",
        train=slice(200, 340),
        settings={"method": {"distill": {"learn": "probabilities"}}, "learning_rate": 1e-3},
        measure=log_probability,
        teacher="sft",
    ),
    Case(
        name="grpo",
        data="e2e_nlg",
        train=slice(200, 400),
        settings={
            "method": {"grpo": {"rewards": ["token_f1"], "answers": 6, "longest": 64}},
            "learning_rate": 3e-4,
            "batch": 8,
            "epochs": 1,
        },
        measure=answers,
        start="sft",
    ),
    Case(
        name="rlhf",
        data="rasbt_preference",
        train=slice(500, 700),
        settings={
            "method": {"grpo": {"rewards": ["reward"], "answers": 6, "longest": 48}},
            "learning_rate": 3e-4,
            "batch": 8,
            "epochs": 1,
        },
        measure=partial(answers, longest=48),
        rater="reward",
    ),
)


def main() -> None:
    """Train every case once, and record what it changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="CASE", help="some cases; all if left out")
    parser.add_argument("--validation", action="store_true", help="measure on validation; records nothing")
    asked = parser.parse_args()
    base = models.resolve("smollm2-135m-instruct", environment.read())
    figures = _kept()
    for case in CASES:
        if asked.only is not None and case.name not in asked.only:
            continue
        found = _figures(case, base, on_validation=asked.validation)
        if not asked.validation:
            figures = {**_kept(), **found}
            FIGURES.parent.mkdir(exist_ok=True)
            FIGURES.write_text(json.dumps(figures))
    missing = [case.name for case in CASES if f"before_{case.name}" not in figures]
    if missing:
        print(f"not measured on held-out examples yet: {', '.join(missing)}")
    else:
        figures["gain_low"] = min(figures[f"gain_low_{case.name}"] for case in CASES)
    if figures and not asked.validation:
        record("methods", figures)


def _kept() -> dict[str, float]:
    """What was measured before, one case after the other or several at a time."""
    found: dict[str, float] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    return found


def _figures(case: Case, base: Checkpoint, *, on_validation: bool) -> dict[str, float]:
    held, rest = _split(case.data)
    train, validation = rest[case.train], rest[case.train.stop :][-VALIDATION:]
    curve = _train(case, base, (train, validation))
    tested = validation if on_validation else held
    rater = FOLDER / case.rater if case.rater else None
    start = FOLDER / case.start if case.start else None
    before = case.measure(Subject(base=base, adapter=start, rater=rater), tested)
    after = case.measure(Subject(base=base, adapter=case.folder, rater=rater), tested)
    counts = {"held_out": len(tested), "train": len(train)}
    found = {f"{key}_{case.name}": float(value) for key, value in counts.items()}
    if curve.best is not None and "kl" in curve.best.figures:
        found[f"kl_{case.name}"] = curve.best.figures["kl"]
    for place, measure in enumerate(after):
        name = case.name if place == 0 else f"{case.name}_{measure}"
        found |= _compared(name, before[measure], after[measure])
    return found


def _train(case: Case, base: Checkpoint, data: tuple[list[Example], list[Example]]) -> Curve:
    """Train the case; its adapter is left in its folder."""
    shutil.rmtree(case.folder, ignore_errors=True)
    case.folder.mkdir(parents=True)
    beside: dict[str, Any] = {}
    if case.start:
        beside["start"] = FOLDER / case.start
    if case.rater:
        beside["rater"] = (base.path, FOLDER / case.rater)
    if case.teacher:
        beside["teacher"] = _merged(base, FOLDER / case.teacher)
    threads = environment.read().threads
    _, curve = fit(base, data, {**SHARED, **case.settings}, threads=threads, keep=case.folder, beside=beside)
    looks = [f"{look.step}: {look.loss:.3f} {look.figures.get('kl', 0):.3f}" for look in curve.validation]
    print(f"{case.name}: validation loss and KL {'; '.join(looks)}; kept {curve.best_step}", flush=True)
    return curve


def _merged(base: Checkpoint, adapter: Path) -> Path:
    """The tuned model as one folder, as an export would make it."""
    folder = adapter.with_name(f"{adapter.name}-merged")
    shutil.rmtree(folder, ignore_errors=True)
    Subject(base=base, adapter=adapter).load(torch.float32).merge_and_unload().save_pretrained(folder)
    for name in (TOKENIZER, TOKENIZER_SETTINGS):
        shutil.copyfile(base.path / name, folder / name)
    return folder


def _compared(name: str, before: list[float], after: list[float]) -> dict[str, float]:
    gain = bootstrap_mean([one - other for one, other in zip(after, before, strict=True)])
    print(
        f"{name}: {fmean(before):.3f} -> {fmean(after):.3f} [{gain.low:+.3f}, {gain.high:+.3f}]", flush=True
    )
    figures = {"before": fmean(before), "after": fmean(after), "gain_low": gain.low, "gain_high": gain.high}
    return {f"{figure}_{name}": value for figure, value in figures.items()}


def _split(data: str) -> tuple[list[Example], list[Example]]:
    """The held-out examples of a data set and the others, both shuffled."""
    folder = need_dataset(data)
    if data == "e2e_nlg":
        files = (folder / "testset_w_refs.csv", folder / "devset.csv")
        held, rest = (_shuffled(_restaurants(file)) for file in files)
        return held[:HELD_OUT], rest
    (file,) = folder.glob("*preference.json" if data == "rasbt_preference" else "all_v1.json")
    read = _pairs if data == "rasbt_preference" else _contracts
    examples = _shuffled(read(file))
    return examples[:HELD_OUT], examples[HELD_OUT:]


def _shuffled(examples: Iterable[Example]) -> list[Example]:
    found = list(examples)
    random.Random(0).shuffle(found)
    return found


def _restaurants(file: Path) -> Iterator[Example]:
    """A meaning with its first text; the others are right answers, too."""
    texts: dict[str, list[str]] = {}
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            texts.setdefault(row["mr"], []).append(row["ref"])
    for number, (meaning, found) in enumerate(texts.items()):
        answered = _answered(number, f"Describe: {meaning}", found[0])
        yield answered.model_copy(update={"references": tuple(found[1:])})


def _pairs(file: Path) -> Iterator[Example]:
    """A question with a better and a rejected answer; one asked again would stand on both sides."""
    seen: set[str] = set()
    for number, row in enumerate(json.loads(file.read_text())):
        question = f"{row['instruction']}\n{row['input']}".strip()
        if row["chosen"] != row["rejected"] and question not in seen:
            seen.add(question)
            answered = _answered(number, question, row["chosen"])
            yield answered.model_copy(update={"rejected": row["rejected"]})


def _contracts(file: Path) -> Iterator[Example]:
    found = dict.fromkeys(row["original_text"] for row in json.loads(file.read_text()).values())
    for number, text in enumerate(found):
        yield Example(id=str(number), text=text)


def _answered(number: int, question: str, answer: str) -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=str(number), messages=turns)


if __name__ == "__main__":
    main()
