"""Which prompts are answered together: a common beginning is computed once, lengths are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

WORTH = 64
"""Tokens a common beginning must save: about one pass of a small model over its own weights."""
SPLIT = 256
"""Tokens a longer common beginning must save before its prompts leave a larger group."""

Prompt = Sequence[int]


@dataclass(frozen=True)
class Limits:
    """How much fits into one batch."""

    rows: int
    tokens: int
    """Own tokens of all prompts, padding included."""
    pairs: int
    """Own tokens times what each attends to."""


@dataclass(frozen=True)
class Group:
    """Prompts of one batch by their place in the list, and how many first tokens they share."""

    shared: int
    members: tuple[int, ...]


def plan(prompts: Sequence[Prompt], limits: Limits) -> list[Group]:
    """Batches over all prompts; depends on nothing but their tokens and order."""
    order = sorted(range(len(prompts)), key=lambda place: (list(prompts[place]), place))
    ranked = [prompts[place] for place in order]
    near = [common(a, b) for a, b in pairwise(ranked)]
    batches: list[Group] = []
    for shared, ranks in _grow(ranked, near, 0, len(order)):
        members = sorted((order[rank] for rank in ranks), key=lambda place: (len(prompts[place]), place))
        batches += _cut(prompts, shared, members, limits)
    return batches


def common(a: Prompt, b: Prompt) -> int:
    """Length of the common beginning; each prompt keeps at least one token of its own."""
    longest = min(len(a), len(b)) - 1
    if longest <= 0 or a[:longest] == b[:longest]:
        return max(longest, 0)
    return next(place for place in range(longest) if a[place] != b[place])


def _grow(
    ranked: Sequence[Prompt], near: Sequence[int], low: int, high: int
) -> Iterator[tuple[int, list[int]]]:
    """Groups of the sorted prompts `low..high`: branches that save enough stand alone."""
    if high - low < 2:
        yield 0, list(range(low, high))
        return
    shared = min(near[low : high - 1])
    rest: list[int] = []
    for start, end in _branches(near, shared, low, high):
        own = min(near[start : end - 1], default=shared)
        if (end - start - 1) * (own - shared) > SPLIT and end - start < high - low:
            yield from _grow(ranked, near, start, end)
        else:
            rest += range(start, end)
    if rest:
        both = common(ranked[rest[0]], ranked[rest[-1]]) if len(rest) > 1 else 0
        yield (both if (len(rest) - 1) * both >= WORTH else 0), rest


def _branches(near: Sequence[int], shared: int, low: int, high: int) -> Iterator[tuple[int, int]]:
    start = low
    for place in range(low, high - 1):
        if near[place] == shared:
            yield start, place + 1
            start = place + 1
    yield start, high


def _cut(prompts: Sequence[Prompt], shared: int, members: Sequence[int], limits: Limits) -> Iterator[Group]:
    """Slices of a group, shortest prompts first, each within the limits."""
    batch: list[int] = []
    for place in members:
        length, rows = len(prompts[place]), len(batch) + 1
        own = rows * (length - shared)
        if batch and (rows > limits.rows or own > limits.tokens or own * length > limits.pairs):
            yield Group(shared, tuple(batch))
            batch = []
        batch.append(place)
    if batch:
        yield Group(shared, tuple(batch))
