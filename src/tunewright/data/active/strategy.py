"""Strategies: from what is labelled so far to the batch that is worth labelling next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from tunewright.data.active.learner import by_letters, by_meaning
from tunewright.data.active.pool import Pool
from tunewright.runtime.lazy import require

Strategy = Literal["active", "uncertainty", "disagreement", "diversity", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
WIDE = 8
"""`active` spreads its batch over so many times its size of the most doubtful texts."""


def choose(
    pool: Pool,
    labelled: Mapping[int, str],
    free: Sequence[int],
    size: int,
    *,
    strategy: Strategy = "active",
    seed: int = 0,
) -> list[int]:
    """Positions of the `size` texts among `free` to label next, the most worthwhile first.

    `labelled` has the labels so far, by position. `active` takes the texts whose two likeliest labels are
    nearest to each other or over which two unlike models differ, and spreads the batch over their meanings,
    so that it does not ask the same thing many times; `uncertainty` and `disagreement` are its halves
    without the spread. `diversity` takes what is farthest from all that is labelled, whatever the labels.
    With fewer than two labels known there is nothing to doubt: `active` then takes the middles of groups of
    like texts, the halves draw.
    """
    state = _State(pool, labelled, list(free), seed)
    size = min(size, len(state.free))
    if size <= 0:
        return []
    return [state.free[place] for place in _CHOOSE[strategy](state, size)]


@dataclass(frozen=True)
class _State:
    pool: Pool
    labelled: Mapping[int, str]
    free: list[int]
    seed: int

    @cached_property
    def names(self) -> list[str]:
        return sorted(set(self.labelled.values()))

    @property
    def cold(self) -> bool:
        return len(self.names) < 2

    @property
    def meanings(self) -> Any:  # noqa: ANN401 - an array of NumPy
        return self.pool.meanings[self.free]

    @cached_property
    def chances(self) -> Any:  # noqa: ANN401 - an array of NumPy
        return by_meaning(self.pool, self.labelled, self.names, self.free)

    @property
    def margins(self) -> Any:  # noqa: ANN401 - an array of NumPy
        """How far the likeliest label is ahead of the second: (free,)."""
        np = require("numpy", extra="all")
        ordered = np.sort(self.chances, axis=1)
        return ordered[:, -1] - ordered[:, -2]

    @cached_property
    def letters(self) -> Any:  # noqa: ANN401 - an array of NumPy
        return by_letters(self.pool, self.labelled, self.names, self.free)

    @property
    def contested(self) -> Any:  # noqa: ANN401 - an array of NumPy
        """True where the two models would say different things: (free,)."""
        return self.chances.argmax(axis=1) != self.letters.argmax(axis=1)

    @property
    def divergence(self) -> Any:  # noqa: ANN401 - an array of NumPy
        """Jensen-Shannon divergence of what the two models think, in nats: (free,)."""
        special = require("scipy.special", extra="all")
        middle = (self.chances + self.letters) / 2
        both = special.rel_entr(self.chances, middle) + special.rel_entr(self.letters, middle)
        return both.sum(axis=1) / 2


def _random(state: _State, size: int) -> list[int]:
    random = require("numpy", extra="all").random.default_rng([state.seed, len(state.labelled)])
    return [int(place) for place in random.permutation(len(state.free))[:size]]


def _uncertain(state: _State, size: int) -> list[int]:
    return _random(state, size) if state.cold else _least(state.margins, size)


def _disputed(state: _State, size: int) -> list[int]:
    return _random(state, size) if state.cold else _least(-(state.contested + state.divergence), size)


def _far(state: _State, size: int) -> list[int]:
    """Greedy k-center: always what is least like all labelled or chosen (Sener and Savarese 2018)."""
    np = require("numpy", extra="all")
    vectors = state.meanings
    known = state.pool.meanings[list(state.labelled)]
    # With nothing labelled it begins in the middle of everything, not at an odd one out.
    nearest = (vectors @ known.T).max(axis=1) if len(known) else -(vectors @ vectors.mean(axis=0))
    chosen: list[int] = []
    for _ in range(size):
        place = int(nearest.argmin())
        chosen.append(place)
        likeness = vectors @ vectors[place]
        nearest = np.maximum(nearest, likeness) if len(known) or len(chosen) > 1 else likeness
        nearest[chosen] = np.inf
    return chosen


def _combined(state: _State, size: int) -> list[int]:
    """The most doubtful of each group of like texts, among the most doubtful of all."""
    np = require("numpy", extra="all")
    if state.cold:
        doubt = np.zeros(len(state.free))
        return _spread(state.meanings, doubt, size, state.seed)
    doubt = state.contested / 2 - state.margins
    wide = np.argsort(-doubt, kind="stable")[: WIDE * size]
    return [int(wide[place]) for place in _spread(state.meanings[wide], doubt[wide], size, state.seed)]


def _spread(vectors: Any, doubt: Any, size: int, seed: int) -> list[int]:  # noqa: ANN401 - arrays of NumPy
    """The most doubtful text of each of `size` groups, of equals the one in its middle; by doubt."""
    np, cluster = require("numpy", extra="all"), require("sklearn.cluster", extra="all")
    if len(vectors) <= size:
        return _least(-doubt, size)
    with require("threadpoolctl", extra="all").threadpool_limits(1):
        groups = cluster.MiniBatchKMeans(size, random_state=seed, n_init=1, max_iter=20, batch_size=2048)
        distance = groups.fit_transform(vectors)
    group, own = distance.argmin(axis=1), distance.min(axis=1)
    order = np.lexsort((own, -doubt))
    _, first = np.unique(group[order], return_index=True)
    chosen = order[np.sort(first)]
    rest = order[~np.isin(order, chosen)]  # a group may have stayed empty
    return [int(place) for place in np.concatenate([chosen, rest])[:size]]


def _least(values: Any, size: int) -> list[int]:  # noqa: ANN401 - an array of NumPy
    np = require("numpy", extra="all")
    return [int(place) for place in np.argsort(values, kind="stable")[:size]]


_CHOOSE = {
    "active": _combined,
    "uncertainty": _uncertain,
    "disagreement": _disputed,
    "diversity": _far,
    "random": _random,
}
