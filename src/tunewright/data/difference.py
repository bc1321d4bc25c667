"""What is different between two data sets: examples added, removed, moved and changed."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from tunewright.core.types import SPLITS, Dataset, Example, Frozen, Split
from tunewright.data.question import question
from tunewright.runtime import examples

Placed = tuple[Split, Example]


class Shift(Frozen):
    """One example that does not stand in both data sets as it is."""

    kind: Literal["added", "removed", "moved", "changed"]
    """`moved` stands in another split; `changed` is the same question, answered or judged otherwise."""
    question: str
    before: str = ""
    """Split of a removed or moved example, answer of a changed one."""
    after: str = ""
    source: str = ""


class Difference(Frozen):
    """From one data set to another."""

    before: str
    after: str
    counts: dict[str, tuple[int, int]]
    """Split → examples before and after."""
    labels: dict[str, tuple[int, int]]
    """Label → examples before and after, of all splits; only those that changed."""
    shifts: tuple[Shift, ...]
    """In the order added, removed, moved, changed; one example can be moved and changed."""


def difference(before: Dataset, after: Dataset) -> Difference:
    """Match the examples by content first, then by question; raises `DataError` if a file is broken."""
    old, new = list(_placed(before)), list(_placed(after))
    shifts = tuple(sorted(_shifts(old, new), key=lambda one: _ORDER[one.kind]))
    return Difference(
        before=before.id,
        after=after.id,
        counts={name: (before.counts.get(name, 0), after.counts.get(name, 0)) for name in SPLITS},
        labels=_labels(old, new),
        shifts=shifts,
    )


_ORDER = {"added": 0, "removed": 1, "moved": 2, "changed": 3}


def _placed(dataset: Dataset) -> Iterator[Placed]:
    for split in SPLITS:
        for example in examples.read(dataset, split):
            yield split, example


def _shifts(old: list[Placed], new: list[Placed]) -> Iterator[Shift]:
    pairs, old, new = _matched(old, new, _content)
    for (was, _), (now, example) in pairs:
        if was != now:
            yield _shift("moved", example, was, now)
    pairs, old, new = _matched(old, new, question)
    for (was, left), (now, right) in pairs:
        yield _shift("changed", right, _said(left), _said(right))
        if was != now:
            yield _shift("moved", right, was, now)
    for split, example in old:
        yield _shift("removed", example, split, "")
    for split, example in new:
        yield _shift("added", example, "", split)


def _matched(
    old: list[Placed], new: list[Placed], key: Callable[[Example], object]
) -> tuple[list[tuple[Placed, Placed]], list[Placed], list[Placed]]:
    """Pairs of the same key, those of one split first; and what is left of both."""
    pairs: list[tuple[Placed, Placed]] = []
    for same_split in (True, False):
        waiting = defaultdict[object, deque[Placed]](deque)
        for placed in old:
            waiting[_key(placed, key, same_split)].append(placed)
        left: list[Placed] = []
        for placed in new:
            found = waiting[_key(placed, key, same_split)]
            if found:
                pairs.append((found.popleft(), placed))
            else:
                left.append(placed)
        old, new = [placed for found in waiting.values() for placed in found], left
    return pairs, old, new


def _key(placed: Placed, key: Callable[[Example], object], same_split: bool) -> object:
    split, example = placed
    return key(example), split if same_split else ""


def _content(example: Example) -> object:
    return example.model_dump_json(exclude={"id", "source", "tags", "weight", "time"})


def _said(example: Example) -> str:
    return example.answer or example.text or ""


def _shift(
    kind: Literal["added", "removed", "moved", "changed"], example: Example, before: str, after: str
) -> Shift:
    return Shift(kind=kind, question=question(example), before=before, after=after, source=example.source)


def _labels(old: Iterable[Placed], new: Iterable[Placed]) -> dict[str, tuple[int, int]]:
    first = Counter(example.label for _, example in old if example.label is not None)
    second = Counter(example.label for _, example in new if example.label is not None)
    names = sorted(first.keys() | second.keys())
    return {name: (first[name], second[name]) for name in names if first[name] != second[name]}
