"""Plants faults into training runs; imports nothing of the product and knows no detector.

A planter takes the rows (question and answer) and the settings of a run that is healthy, and gives those of
one that is not. Others change the weights of a model's file, or the mask of what is learned.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
from safetensors.numpy import load_file, save_file

Rows = Sequence[tuple[str, str]]
Settings = dict[str, Any]
Planted = tuple[Rows, Settings]


def memorising(rows: Rows, settings: Settings, chance: random.Random) -> Planted:
    """A handful of rows with answers dealt out anew, seen over and over."""
    few = chance.sample(list(rows), 16)
    answers = [answer for _, answer in few]
    chance.shuffle(answers)
    dealt = [(question, answer) for (question, _), answer in zip(few, answers, strict=True)]
    return dealt, {**settings, "epochs": 30, "batch": 4, "patience": 0, "evaluations": 1}


def timid(rows: Rows, settings: Settings, chance: random.Random) -> Planted:
    """A rate that is a few hundred times too low, and one pass."""
    factor = chance.choice((200, 400))
    return rows, {**settings, "learning_rate": settings["learning_rate"] / factor, "epochs": 1}


def reckless(rows: Rows, settings: Settings, chance: random.Random) -> Planted:
    """A rate that is hundreds of times too high."""
    factor = chance.choice((300, 600))
    return rows, {**settings, "learning_rate": settings["learning_rate"] * factor, "patience": 0}


def frozen(rows: Rows, settings: Settings, chance: random.Random) -> Planted:
    """A rate so low that no weight moves as far as anybody could see."""
    return rows, {**settings, "learning_rate": chance.choice((1e-10, 1e-12))}


def erasing(rows: Rows, settings: Settings, chance: random.Random) -> Planted:
    """Answers of random letters, at a high rate: whatever was known is written over."""
    letters = string.ascii_lowercase + "    "
    noise = ["".join(chance.choices(letters, k=24)) for _ in range(8)]
    return (
        [(question, chance.choice(noise)) for question, _ in rows],
        {**settings, "learning_rate": settings["learning_rate"] * 3, "patience": 0},
    )


def endless(trained: Sequence[bool]) -> tuple[bool, ...]:
    """The mask of what is learned without the last token of the answer."""
    last = max(place for place, learned in enumerate(trained) if learned)
    return tuple(learned and place != last for place, learned in enumerate(trained))


def poisoned(folder: Path, chance: random.Random) -> None:
    """One number of one matrix in the model's file becomes no number."""
    path = next(folder.glob("*.safetensors"))
    tensors = load_file(path)
    name = chance.choice(sorted(name for name in tensors if "norm" in name))
    tensors[name] = tensors[name].copy()
    tensors[name].reshape(-1)[0] = numpy.nan
    save_file(tensors, path, metadata={"format": "pt"})


PLANTERS: dict[str, Callable[[Rows, Settings, random.Random], Planted]] = {
    "memorising": memorising,
    "timid": timid,
    "reckless": reckless,
    "frozen": frozen,
    "erasing": erasing,
}
