"""Does the doctor find faults that were planted into real data, and how often does it cry wolf?

Recall: planted rows that the finding of that kind names. False alarms: rows of the untouched data that the
same finding names, as a share of all (a real data set has faults of its own, so this is an upper bound).
The thresholds were set by looking at the instructions and the notes; the summaries were only looked at for
truncated and contradictory answers.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Iterable, Sequence

from threadpoolctl import threadpool_limits

from benchmarks.faults import planter
from benchmarks.faults.planter import Planter, Row
from benchmarks.record import need_dataset, record
from tunewright.core.types import Example, Message
from tunewright.data import Finding, examine
from tunewright.data.doctor import leaks

STRENGTHS = {"weak": 0.01, "medium": 0.05, "strong": 0.15}
Faults = dict[str, tuple[Planter, str]]
LABELLED: Faults = {
    "contradictory_labels": (planter.contradictory, "contradictory answers"),
    "wrong_labels": (planter.wrong_label, "suspected label errors"),
    "leaked": (planter.leaked, "leaked examples"),
    "foreign_questions": (planter.foreign, "another language"),
}
FREE: Faults = {
    "contradictory": (planter.contradictory, "contradictory answers"),
    "truncated": (planter.truncated, "truncated answers"),
    "over_apology": (planter.apologetic, "over-apology"),
    "boilerplate": (planter.stamped, "boilerplate"),
    "foreign": (planter.foreign, "another language"),
}
SEEDS = 3
LABELS = 2500
"""Rows of a labelled set; more cost time and change nothing."""


def main() -> None:
    """Plant every fault at every strength, and record what was found."""
    figures: dict[str, float] = {}
    for suffix, rows, faults in (
        ("", _commands(), LABELLED),
        ("_banking", _banking(), LABELLED),
        ("", _instructions(), FREE),
        ("_notes", _notes(), FREE),
        ("_legal", _summaries(), FREE),
    ):
        for fault, (plant, kind) in faults.items():
            alarms = _named(rows, kind)
            figures[f"false_alarms_{fault}{suffix}"] = len(alarms) / len(rows)
            for strength, share in STRENGTHS.items():
                found = [_recall(rows, plant, kind, share, seed) for seed in range(SEEDS)]
                figures[f"recall_{fault}{suffix}_{strength}"] = sum(found) / len(found)
            print(f"{fault}{suffix}", flush=True)
    record("doctor", {**figures, **_by_cleanlab(_commands(), ""), **_by_cleanlab(_banking(), "_banking")})


def _by_cleanlab(rows: Sequence[Row], suffix: str) -> dict[str, float]:
    """The same for the customary way: confident learning, as cleanlab does it by default."""
    figures = {f"false_alarms_wrong_labels_cleanlab{suffix}": len(_doubted(rows)) / len(rows)}
    for strength, share in STRENGTHS.items():
        found = []
        for seed in range(SEEDS):
            new, bad = planter.wrong_label(rows, share, random.Random(seed))
            found.append(len(bad & _doubted(new)) / len(bad))
        figures[f"recall_wrong_labels_cleanlab{suffix}_{strength}"] = sum(found) / len(found)
    return figures


def _doubted(rows: Sequence[Row]) -> set[str]:
    """Ids that cleanlab doubts, on the doctor's own features and model (`prune_by_noise_rate`)."""
    from cleanlab.filter import find_label_issues
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    from tunewright.runtime.embed import embed

    counts = Counter(row["label"] for row in rows)
    judged = [row for row in rows if counts[row["label"]] >= 5]
    names = sorted({row["label"] for row in judged})
    given = [names.index(row["label"]) for row in judged]
    model = LogisticRegression(C=10.0, max_iter=100, tol=1e-3)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    texts = embed([row["question"] for row in judged])
    with threadpool_limits(1):
        chances = cross_val_predict(model, texts, given, cv=folds, method="predict_proba")
    doubted = find_label_issues(given, chances, n_jobs=1)
    return {row["id"] for row, bad in zip(judged, doubted, strict=True) if bad}


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
    """Questions to a bank; some 260 of the 10,003 labels are suspected to be wrong as they are."""
    with (need_dataset("banking77") / "train.csv").open(encoding="utf-8") as file:
        return _sampled([(row["text"], row["category"]) for row in csv.DictReader(file)])


def _commands() -> list[Row]:
    """Commands to a voice assistant with their intent: cleaner labels."""
    found = []
    for path in sorted(need_dataset("snips_slots").glob("train_*.json")):
        ((intent, items),) = json.loads(path.read_bytes().decode("utf-8", "replace")).items()
        found += [("".join(part["text"] for part in item["data"]).strip(), intent) for item in items]
    return _sampled(found)


def _sampled(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    return [
        {"id": str(place), "question": text, "answer": label, "label": label}
        for place, (text, label) in enumerate(random.Random(0).sample(pairs, LABELS))
    ]


def _free(pairs: Iterable[tuple[str, str]]) -> list[Row]:
    return [
        {"id": str(place), "question": question, "answer": answer}
        for place, (question, answer) in enumerate(pairs)
    ]


def _instructions() -> list[Row]:
    path = need_dataset("rasbt_instruct") / "instruction-data.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    return _free((f"{row['instruction']}\n{row['input']}".strip(), row["output"]) for row in rows)


def _notes() -> list[Row]:
    path = need_dataset("mts_dialog") / "MTS-Dialog-TrainingSet.csv"
    with path.open(encoding="utf-8-sig") as file:
        return _free((row["dialogue"], row["section_text"]) for row in csv.DictReader(file))


def _summaries() -> list[Row]:
    path = need_dataset("legal_plain") / "all_v1.json"
    rows = json.loads(path.read_text(encoding="utf-8")).values()
    return _free((row["original_text"], row["reference_summary"]) for row in rows)


if __name__ == "__main__":
    main()
