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
    """Log-probability of every trained token, [trained tokens], text by text in the order of `texts`."""
    found = [replace(text, beside=None) for text in texts(items)]
    order = sorted(range(len(found)), key=lambda place: len(found[place].ids))
    values = [torch.empty(0)] * len(found)
    for start in range(0, len(order), TOGETHER):
        places = order[start : start + TOGETHER]
        part = [found[place] for place in places]
        losses, _ = network.judge(collate(part, prefix, device))
        each = torch.split((-losses).double().cpu(), [text.learned for text in part])
        for place, value in zip(places, each, strict=True):
            values[place] = value
    return torch.cat(values)


def compare(
    network: Network,
    splits: Sequence[Sequence[Rendered]],
    prefix: int,
    device: torch.device,
    known: Tensor | None,
) -> tuple[Tensor, list[list[Rendered]]]:
    """Log-probabilities of all splits, one after the other, computed unless known; the splits with them."""
    if known is None:
        known = torch.cat([references(network, items, prefix, device) for items in splits])
    counts = [sum(text.learned for text in texts(items)) for items in splits]
    parts = torch.split(known, counts)
    return known, [compared(items, values) for items, values in zip(splits, parts, strict=True)]


def compared(items: Sequence[Rendered], values: Tensor) -> list[Rendered]:
    """The items, each text with the log-probability of its trained tokens."""
    found = texts(items)
    each = torch.split(values, [text.learned for text in found])
    known = [replace(text, reference=tuple(value.tolist())) for text, value in zip(found, each, strict=True)]
    own, beside = known[: len(items)], known[len(items) :]
    return [replace(one, beside=other) for one, other in zip(own, beside, strict=True)] if beside else own
