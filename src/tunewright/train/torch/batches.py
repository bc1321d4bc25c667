"""Batches of examples of similar length, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tunewright.runtime.chat import Rendered

WINDOW = 50
"""Steps that are shuffled together before they are sorted by length."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Examples of similar length, padded on the right, after the tokens they all begin with."""

    prefix: Tensor
    """Tokens that every example begins with; computed once."""
    ids: Tensor
    """The rest of each example but its last token, [examples, tokens]."""
    places: Tensor
    """Where, in the flattened `ids`, a trained token is predicted."""
    targets: Tensor
    """The trained tokens."""
    weights: Tensor | None
    """How much the loss of each trained token counts; None where all count alike."""
    tokens: int
    """Tokens of the examples without padding, the common ones counted for each."""
    seed: int
    """What chance there is in computing it, dropout above all, comes from here."""


def order_of(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The steps of an epoch as positions of examples: shuffled, alike in length within a step."""
    chance = random.Random(f"{seed}/{epoch}")
    order = list(range(len(lengths)))
    chance.shuffle(order)
    steps: list[list[int]] = []
    for window in _cut(order, batch * WINDOW):
        alike = sorted(window, key=lambda place: lengths[place])
        steps += _cut(alike, batch)
    chance.shuffle(steps)
    return steps


def _cut(order: list[int], size: int) -> list[list[int]]:
    return [order[start : start + size] for start in range(0, len(order), size)]


def common_prefix(examples: Sequence[Rendered]) -> int:
    """How many tokens all examples share at their beginning, all of them before anything is trained."""
    shortest = min(min(_first_trained(item) - 1, len(item.ids) - 2) for item in examples)
    first = examples[0].ids
    shared = 0
    while shared < shortest and all(item.ids[shared] == first[shared] for item in examples):
        shared += 1
    return max(0, shared)


def weighed(examples: Sequence[Rendered]) -> float:
    """Trained tokens, each as often as its example weighs: what the summed loss is divided by."""
    return sum(item.weight * sum(item.trained[1:]) for item in examples)


def _first_trained(item: Rendered) -> int:
    return item.trained.index(True) if any(item.trained) else len(item.ids)


def collate(examples: Sequence[Rendered], prefix: int, device: torch.device, seed: int = 0) -> Batch:
    """Put examples side by side; padding is only ever at the right, after everything that counts."""
    width = max(len(item.ids) for item in examples) - prefix - 1
    ids = torch.zeros((len(examples), width), dtype=torch.long)
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    for row, item in enumerate(examples):
        own = item.ids[prefix:-1]
        ids[row, : len(own)] = torch.tensor(own, dtype=torch.long)
        for place in range(max(1, prefix + 1), len(item.ids)):
            if item.trained[place]:
                places.append(row * width + place - 1 - prefix)
                targets.append(item.ids[place])
                weights.append(item.weight)
    common = torch.tensor(examples[0].ids[:prefix], dtype=torch.long)
    return Batch(
        prefix=common.to(device),
        ids=ids.to(device),
        places=torch.tensor(places, dtype=torch.long).to(device),
        targets=torch.tensor(targets, dtype=torch.long).to(device),
        weights=torch.tensor(weights).to(device) if any(weight != 1.0 for weight in weights) else None,
        tokens=sum(len(item.ids) for item in examples),
        seed=seed,
    )


def dealt(examples: Sequence[Rendered], hands: int) -> list[list[Rendered]]:
    """Examples dealt out to as many hands, alike in length and number; no hand is empty."""
    ordered = sorted(examples, key=lambda item: len(item.ids))
    return [ordered[hand::hands] for hand in range(min(hands, len(ordered)))]


def portions(examples: Sequence[Rendered], prefix: int, most: int) -> Iterator[list[Rendered]]:
    """Divide a step so that no part computes more than `most` tokens, padding included."""
    part: list[Rendered] = []
    width = 0
    for item in sorted(examples, key=lambda item: len(item.ids)):
        wider = max(width, len(item.ids) - prefix)
        if part and wider * (len(part) + 1) + prefix > most:
            yield part
            part, wider = [], len(item.ids) - prefix
        part.append(item)
        width = wider
    if part:
        yield part
