"""Learn while people label: what to ask next, and what the model would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewright.data.active import Pool, Strategy, by_meaning, choose, guesses
from tunewright.data.labelling.results import given, labels_of
from tunewright.runtime.queue import Item, Queue, Suggestion

CLASSICAL = "classical"
"""Who suggests what the cheap model says."""
_BATCH = 50
"""Items that are put first after each learning."""


@dataclass
class Ranking:
    """Puts the items that are worth labelling first, again after every so many labels."""

    strategy: Strategy
    every: int = 25
    """Labels, by anybody, between two times of learning."""
    seed: int = 0
    _learned: int = field(default=-1, init=False)
    """Labels that were known the last time."""
    _calls: int = field(default=0, init=False)
    _pool: tuple[tuple[str, ...], Pool] | None = field(default=None, init=False)

    def refresh(self, queue: Queue) -> None:
        """Learn if there are enough new labels: about a second for 10,000 items."""
        self._calls += 1
        if self._learned >= 0 and self._calls % self.every:
            return
        items = queue.items()
        known = labels_of(items)
        if known and len(known) == self._learned:
            return
        self._learned = len(known)
        pool = self._read(items)
        place = {item.id: number for number, item in enumerate(items)}
        labelled = {place[name]: value for name, value in known.items()}
        free = [number for number, item in enumerate(items) if number not in labelled and wanting(item)]
        chosen = choose(pool, labelled, free, _BATCH, strategy=self.strategy, seed=self.seed)
        queue.prioritise({items[number].id: float(_BATCH - rank) for rank, number in enumerate(chosen)})
        if any(item.suggestion is not None and item.suggestion.by == CLASSICAL for item in items):
            queue.suggest(suggested(items, pool))

    def _read(self, items: Sequence[Item]) -> Pool:
        ids = tuple(item.id for item in items)
        if self._pool is None or self._pool[0] != ids:
            self._pool = ids, Pool.of([str(item.payload["text"]) for item in items])
        return self._pool[1]


def wanting(item: Item) -> bool:
    """True if somebody may still be asked."""
    return len(given(item)) < item.wanted


def suggested(items: Sequence[Item], pool: Pool | None = None) -> dict[str, Suggestion]:
    """What the cheap model would say of the items without a label; nothing before two labels are known."""
    pool = pool or Pool.of([str(item.payload["text"]) for item in items])
    known = labels_of(items)
    labelled = {number: known[item.id] for number, item in enumerate(items) if item.id in known}
    asked = [number for number, item in enumerate(items) if wanting(item)]
    return {
        items[number].id: Suggestion(value=guess.label, confidence=guess.confidence, by=CLASSICAL)
        for number, guess in zip(asked, guesses(pool, labelled, asked), strict=False)
    }


def opinions(items: Sequence[Item], asked: Sequence[Item]) -> dict[str, dict[str, float]]:
    """How likely the cheap model finds each label for these items, learned from all other labelled ones."""
    leave = {item.id for item in asked}
    known = {name: value for name, value in labels_of(items).items() if name not in leave}
    names = sorted(set(known.values()))
    if len(names) < 2 or not asked:
        return {}
    pool = Pool.of([str(item.payload["text"]) for item in items])
    place = {item.id: number for number, item in enumerate(items)}
    labelled = {place[name]: value for name, value in known.items()}
    chances = by_meaning(pool, labelled, names, [place[item.id] for item in asked]).tolist()
    return {item.id: dict(zip(names, row, strict=True)) for item, row in zip(asked, chances, strict=True)}
