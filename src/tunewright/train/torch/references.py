"""What the model said before training, kept with every text that is compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from tunewright.runtime.chat import Rendered
from tunewright.train.torch.batches import collate, texts
from tunewright.train.torch.networks import Network

TOGETHER = 8
"""Texts that are looked at together, alike in length."""


def references(network: Network, items: Sequence[Rendered], prefix: int, device: torch.device) -> Tensor:
    """Log-probability of the trained tokens of every text, [texts], in the order of `texts`."""
    found = [replace(text, beside=None) for text in texts(items)]
    order = sorted(range(len(found)), key=lambda place: len(found[place].ids))
    values = torch.zeros(len(found), dtype=torch.float64)
    for start in range(0, len(order), TOGETHER):
        places = order[start : start + TOGETHER]
        batch = collate([found[place] for place in places], prefix, device)
        losses, _ = network.judge(batch)
        values[places] = -batch.sums(losses).cpu()
    return values


def compared(items: Sequence[Rendered], values: Tensor) -> list[Rendered]:
    """The items, each text with its log-probability."""
    known = [
        replace(text, reference=value) for text, value in zip(texts(items), values.tolist(), strict=True)
    ]
    own, beside = known[: len(items)], known[len(items) :]
    return [replace(one, beside=other) for one, other in zip(own, beside, strict=True)] if beside else own
