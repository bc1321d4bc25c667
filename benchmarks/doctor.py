"""Does the doctor find faults that were planted into real data, and how often does it cry wolf?

Recall: planted rows that the finding of that kind names. False alarms: rows of the untouched data that the
same finding names, as a share of all (a real data set has faults of its own, so this is an upper bound).
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path

from benchmarks.faults import planter
from benchmarks.faults.planter import Planter, Row
from benchmarks.record import need_dataset, record
from tunewright.core.types import Example, Message
from tunewright.data import Finding, examine
from tunewright.data.doctor import leaks

STRENGTHS = {"weak": 0.01, "medium": 0.05, "strong": 0.15}
LABELLED: dict[str, tuple[Planter, str]] = {
    "contradictory_labels": (planter.contradictory, "contradictory answers"),
    "wrong_labels": (planter.wrong_label, "suspected label errors"),
    "leaked": (planter.leaked, "leaked examples"),
    "foreign_questions": (planter.foreign, "another language"),
}
FREE: dict[str, tuple[Planter, str]] = {
    "contradictory": (planter.contradictory, "contradictory answers"),
    "truncated": (planter.truncated, "truncated answers"),
    "over_apology": (planter.apologetic, "over-apology"),
    "boilerplate": (planter.stamped, "boilerplate"),
    "foreign": (planter.foreign, "another language"),
}
SEEDS = 3


def main() -> None:
    """Plant every fault at every strength, and record what was found."""
    figures: dict[str, float] = {}
    for rows, faults in ((_banking(), LABELLED), (_instructions(), FREE)):
        for fault, (plant, kind) in faults.items():
            alarms = _named(rows, kind)
            figures[f"false_alarms_{fault}"] = len(alarms) / len(rows)
            for strength, share in STRENGTHS.items():
                found = [_recall(rows, plant, kind, share, seed) for seed in range(SEEDS)]
                figures[f"recall_{fault}_{strength}"] = sum(found) / len(found)
    record("doctor", figures)


def _recall(rows: Sequence[Row], plant: Planter, kind: str, share: float, seed: int) -> float:
    new, bad = plant(rows, share, random.Random(seed))
    return len(bad & _named(new, kind)) / len(bad)


def _named(rows: Sequence[Row], kind: str) -> set[str]:
    """Ids of the rows that the finding of that kind names."""
    return {place for finding in _findings(rows) if finding.kind == kind for place in finding.places}


def _findings(rows: Sequence[Row]) -> Sequence[Finding]:
    examples = {row["id"]: _example(row) for row in rows}
    if all("split" not in row for row in rows):
        return [*examine(list(examples.values())), *_leaks(rows, examples)]
    return _leaks(rows, examples)


def _leaks(rows: Sequence[Row], examples: dict[str, Example]) -> list[Finding]:
    parts: dict[str, list[Example]] = {"train": [], "test": []}
    for number, row in enumerate(rows):
        parts[row.get("split") or ("test" if number % 10 == 0 else "train")].append(examples[row["id"]])
    return list(leaks({"train": parts["train"], "validation": [], "test": parts["test"]}, 0.7))


def _example(row: Row) -> Example:
    turns = (
        Message(role="user", content=row["question"]),
        Message(role="assistant", content=row["answer"]),
    )
    return Example(id=row["id"], messages=turns, label=row.get("label"), source=row["id"])


def _banking() -> list[Row]:
    with (need_dataset("banking77") / "train.csv").open(encoding="utf-8") as file:
        found = random.Random(0).sample(list(csv.DictReader(file)), 3000)
    return [
        {"id": str(place), "question": row["text"], "answer": row["category"], "label": row["category"]}
        for place, row in enumerate(found)
    ]


def _instructions() -> list[Row]:
    path: Path = need_dataset("rasbt_instruct") / "instruction-data.json"
    return [
        {
            "id": str(place),
            "question": f"{row['instruction']}\n{row['input']}".strip(),
            "answer": row["output"],
        }
        for place, row in enumerate(json.loads(path.read_text(encoding="utf-8")))
    ]


if __name__ == "__main__":
    main()
