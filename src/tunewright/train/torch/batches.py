"""Batches of examples, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tunewright.runtime.chat import Rendered

WASTE = 1.5
"""How much longer than its shortest text a part's longest may be where padding costs as much as text."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Texts, padded on the right, after the tokens they all begin with.

    The texts are the items, and after them, where a method compares, what stands beside each item.
    """

    prefix: Tensor
    """Tokens that every example begins with; computed once."""
    ids: Tensor
    """The rest of each text but its last token, [texts, tokens]."""
    lengths: tuple[int, ...]
    """Tokens of each row that are no padding."""
    learned: tuple[int, ...]
    """Trained tokens of each row."""
    there: Tensor
    """Where, in the flattened `ids`, they are, in ascending order."""
    places: Tensor
    """Where, in the flattened `ids`, a trained token is predicted."""
    targets: Tensor
    """The trained tokens."""
    columns: Tensor
    """Columns of `ids` where a token of any text is predicted, in ascending order."""
    weights: Tensor | None
    """How much the loss of each trained token counts; None where all count alike."""
    items: int
    item_weights: Tensor
    """How much each item counts, [items]."""
    desirable: Tensor
    """Whether each item is to become likelier, [items]."""
    references: Tensor
    """Log-probability of each trained token by the model before training; 0 where that is not needed."""
    seed: int
    """What chance there is in computing it, dropout above all, comes from here."""

    @property
    def rows(self) -> Tensor:
        """The text that each trained token stands in."""
        return self.places // self.ids.shape[1]

    def weighed(self, losses: Tensor) -> Tensor:
        """The losses of the trained tokens, each as often as it counts."""
        exact = losses.double()
        return exact if self.weights is None else exact * self.weights

    def sums(self, values: Tensor) -> Tensor:
        """Sum over the trained tokens of each text, [texts]."""
        empty = torch.zeros(len(self.ids), dtype=torch.float64, device=values.device)
        return empty.index_add(0, self.rows, values.double())

    def means(self, values: Tensor) -> Tensor:
        """Mean over the trained tokens of each text, [texts]."""
        return self.sums(values) / self.sums(torch.ones_like(values))

    def sides(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Of values by text, [texts], those of the items and of what stands beside each."""
        return values[: self.items], values[self.items :]

    def apart(self) -> tuple[Batch, Batch]:
        """The items alone, and alone what stands beside each."""
        return self._rows(0, self.items), self._rows(self.items, len(self.ids))

    def _rows(self, start: int, end: int) -> Batch:
        shift = start * self.ids.shape[1]
        there = slice(sum(self.lengths[:start]), sum(self.lengths[:end]))
        mine = slice(sum(self.learned[:start]), sum(self.learned[:end]))
        return replace(
            self,
            ids=self.ids[start:end],
            lengths=self.lengths[start:end],
            learned=self.learned[start:end],
            there=self.there[there] - shift,
            places=self.places[mine] - shift,
            targets=self.targets[mine],
            weights=None if self.weights is None else self.weights[mine],
            references=self.references[mine],
        )

    def all_of(self, said: Tensor) -> Tensor:
        """Of each text, whether all its trained tokens are so."""
        return self.sums(~said) == 0


def order_of(count: int, batch: int, seed: int, epoch: int) -> list[list[int]]:
    """The steps of an epoch as positions of examples, shuffled.

    Steps of examples that are alike in length would waste less, and learn worse (LAB.md).
    """
    order = list(range(count))
    random.Random(f"{seed}/{epoch}").shuffle(order)
    return [order[start : start + batch] for start in range(0, count, batch)]


def common_prefix(examples: Sequence[Rendered]) -> int:
    """How many tokens all examples share at their beginning, all of them before anything is trained."""
    found = texts(examples)
    shortest = min(min(_first_trained(text) - 1, len(text.ids) - 2) for text in found)
    first = found[0].ids
    shared = 0
    while shared < shortest and all(text.ids[shared] == first[shared] for text in found):
        shared += 1
    return max(0, shared)


def texts(items: Sequence[Rendered]) -> list[Rendered]:
    """The items, and after them what stands beside each."""
    return [*items, *(item.beside for item in items if item.beside is not None)]


def _first_trained(item: Rendered) -> int:
    return item.trained.index(True) if any(item.trained) else len(item.ids)


def collate(examples: Sequence[Rendered], prefix: int, device: torch.device, seed: int = 0) -> Batch:
    """Put examples side by side; padding is only ever at the right, after everything that counts."""
    found = texts(examples)
    width = max(len(text.ids) for text in found) - prefix - 1
    ids = torch.zeros((len(found), width), dtype=torch.long)
    places: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    known: list[float] = []
    lengths = tuple(len(text.ids) - prefix - 1 for text in found)
    learned = tuple(sum(text.trained[max(1, prefix + 1) :]) for text in found)
    for row, text in enumerate(found):
        own = text.ids[prefix:-1]
        ids[row, : len(own)] = torch.tensor(own, dtype=torch.long)
        for place in range(max(1, prefix + 1), len(text.ids)):
            if text.trained[place]:
                places.append(row * width + place - 1 - prefix)
                targets.append(text.ids[place])
                weights.append(text.weight)
        known += text.reference or [0.0] * text.learned
    common = torch.tensor(examples[0].ids[:prefix], dtype=torch.long)
    return Batch(
        prefix=common.to(device),
        ids=ids.to(device),
        lengths=lengths,
        learned=learned,
        there=torch.cat([torch.arange(own) + row * width for row, own in enumerate(lengths)]).to(device),
        places=torch.tensor(places, dtype=torch.long).to(device),
        targets=torch.tensor(targets, dtype=torch.long).to(device),
        columns=torch.tensor(sorted({place % width for place in places}), dtype=torch.long).to(device),
        weights=torch.tensor(weights).to(device) if any(weight != 1.0 for weight in weights) else None,
        items=len(examples),
        item_weights=torch.tensor([item.weight for item in examples], dtype=torch.float64).to(device),
        desirable=torch.tensor([item.desirable for item in examples]).to(device),
        references=torch.tensor(known, dtype=torch.float64).to(device),
        seed=seed,
    )


def longest(item: Rendered) -> int:
    """Tokens of an item's longest text."""
    return max(len(text.ids) for text in texts([item]))


def dealt(examples: Sequence[Rendered], hands: int) -> list[list[Rendered]]:
    """Examples dealt out to as many hands, alike in tokens; no hand is empty.

    The longest first, each to the hand that has the least (Graham 1969).
    """
    found: list[list[Rendered]] = [[] for _ in range(min(hands, len(examples)))]
    held = [0] * len(found)
    for item in sorted(examples, key=_tokens, reverse=True):
        least = held.index(min(held))
        found[least].append(item)
        held[least] += _tokens(item)
    return found


def _tokens(item: Rendered) -> int:
    return sum(len(text.ids) for text in texts([item]))


def divided(
    examples: Sequence[Rendered], prefix: int, most: int, hands: int, *, padded: bool
) -> list[list[Rendered]]:
    """Parts of at most `most` tokens each, alike much for every hand."""
    shares = dealt(examples, hands)
    return [part for share in shares for part in portions(share, prefix, most, padded=padded)]


def portions(
    examples: Sequence[Rendered], prefix: int, most: int, *, padded: bool
) -> Iterator[list[Rendered]]:
    """Divide a step so that no part computes more than `most` tokens, the prefix included.

    Where padding is computed as well, it counts, and a part's texts are alike in length.
    """
    part: list[Rendered] = []
    for item in sorted(examples, key=longest):
        more = [*part, item]
        if part and (cost(more, prefix, padded) > most or (padded and _unlike(more, prefix))):
            yield part
            more = [item]
        part = more
    if part:
        yield part


def cost(part: Sequence[Rendered], prefix: int, padded: bool) -> int:
    """Tokens that are computed for a part, sorted by length."""
    found = texts(part)
    own = len(found) * (longest(part[-1]) - prefix) if padded else sum(len(one.ids) - prefix for one in found)
    return prefix + own


def _unlike(part: Sequence[Rendered], prefix: int) -> bool:
    return longest(part[-1]) - prefix > WASTE * max(1, longest(part[0]) - prefix)
