"""Does the learning curve keep its word? Half of three real sets is hidden, and foretold from the other.

Of every set 30 % is put aside to tell the truth on. Half of the rest is known: the curve is drawn from it,
and says what the error will be once the other half is added, and by how much it will have fallen. Coverage
is the share of draws whose 90 % interval holds the truth: the mean over all draws of what is then measured,
because a single measurement on some hundred examples misses by chance. The settings were chosen on 5,000
examples of the same sets.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections.abc import Sequence
from statistics import mean
from typing import Any, NamedTuple

import numpy as np

from benchmarks.record import need_dataset, record
from tunewright.core.types import Example, Message
from tunewright.data import learner
from tunewright.data.curve import Estimate, label_curve
from tunewright.data.question import question

TRUTH, VALIDATION = 0.3, 0.15
DRAWS, QUICK_DRAWS = 10, 3


class Draw(NamedTuple):
    """What was foretold in one draw, and what came."""

    then: Estimate
    gain: Estimate
    measured: float
    gained: float


def main() -> None:
    """Draw, foretell, measure, record."""
    quick = "--quick" in sys.argv
    figures: dict[str, float | int | None] = {}
    for name, rows in (("banking77", _banking()), ("snips", _commands()), ("mts_headers", _headers())):
        examples = [_example(*row, place) for place, row in enumerate(rows)]
        found = [_foretell(examples, seed) for seed in range(QUICK_DRAWS if quick else DRAWS)]
        error, gain = mean(one.measured for one in found), mean(one.gained for one in found)
        figures[f"error_coverage_{name}"] = mean(one.then.low <= error <= one.then.high for one in found)
        figures[f"gain_coverage_{name}"] = mean(one.gain.low <= gain <= one.gain.high for one in found)
        figures[f"error_measured_{name}"] = error
        figures[f"error_bias_{name}"] = mean(one.then.value for one in found) - error
        figures[f"gain_measured_{name}"] = gain
        figures[f"gain_bias_{name}"] = mean(one.gain.value for one in found) - gain
        figures[f"gain_width_{name}"] = mean(one.gain.high - one.gain.low for one in found)
        print(name, flush=True)
    record("curve", figures, quick=quick)


def _foretell(examples: Sequence[Example], seed: int) -> Draw:
    order = random.Random(seed).sample(list(examples), len(examples))
    aside = round(TRUTH * len(order))
    truth, rest = order[:aside], order[aside:]
    known, hidden = rest[: len(rest) // 2], rest[len(rest) // 2 :]
    held_out = round(VALIDATION * len(known))
    train, validation = known[held_out:], known[:held_out]
    curve = label_curve(train, validation, more=len(hidden), seed=seed)
    if curve is None:
        sys.exit("the set is too small for a curve")
    before, after = _error(train, truth), _error([*train, *hidden], truth)
    return Draw(curve.then, curve.gain, after, before - after)


def _error(train: Sequence[Example], truth: Sequence[Example]) -> float:
    names = sorted({one.label or "" for one in (*train, *truth)})
    number = {name: place for place, name in enumerate(names)}
    labels, right = (np.asarray([number[one.label or ""] for one in part]) for part in (train, truth))
    found: Any = learner.scores(_features(train), labels, len(names), _features(truth))
    return float((found.argmax(axis=1) != right).mean())


def _features(examples: Sequence[Example]) -> Any:  # noqa: ANN401 - an array of NumPy
    return learner.features([question(one) for one in examples])


def _example(text: str, label: str, place: int) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=str(place), messages=turns, label=label)


def _banking() -> list[tuple[str, str]]:
    with (need_dataset("banking77") / "train.csv").open(encoding="utf-8") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def _headers() -> list[tuple[str, str]]:
    path = need_dataset("mts_dialog") / "MTS-Dialog-TrainingSet.csv"
    with path.open(encoding="utf-8-sig") as file:
        return [(row["dialogue"], row["section_header"]) for row in csv.DictReader(file)]


def _commands() -> list[tuple[str, str]]:
    found = []
    for path in sorted(need_dataset("snips_slots").glob("train_*.json")):
        ((intent, items),) = json.loads(path.read_bytes().decode("utf-8", "replace")).items()
        found += [("".join(part["text"] for part in item["data"]).strip(), intent) for item in items]
    return found


if __name__ == "__main__":
    main()
