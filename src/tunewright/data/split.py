"""Cut examples into splits: by label or by time, frozen by content, near-duplicates never apart."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from tunewright.core import digest
from tunewright.core.types import SPLITS, Example, Split
from tunewright.data.question import question
from tunewright.runtime.near import clusters, connected, near_matches, near_pairs, normalised

_EVALUATED: tuple[Split, ...] = ("test", "validation")
_PAIRS: tuple[tuple[Split, Split], ...] = (("test", "validation"), ("test", "train"), ("validation", "train"))
"""A later split and one before it in time."""
_FEWEST_UNITS = 3


@dataclass(frozen=True)
class Unit:
    """Examples that stay together."""

    key: str
    """Its place in the draw: from seed and content alone, so that the order of lines says nothing."""
    label: str
    members: tuple[Example, ...]

    start: dt.datetime | None = None
    """When the first was said of what is like them or of a group with them; only by time."""


Strata = Sequence[Literal["label", "time"]]
Cut = dict[Split, list[Unit]]


def split(
    examples: Sequence[Example],
    shares: Mapping[Split, float],
    *,
    near: float,
    seed: int,
    by: Strata = ("label",),
) -> dict[Split, list[Example]]:
    """The splits that have a share, and `train` with the rest; each is in the order of the draw.

    The same examples give the same splits in whatever order they come. By `label` each label is cut by
    the same shares. By chance, a cluster of near-duplicates or a `group` that does not fit a split goes to
    `train`. By `time` the newest are the test, those before them validation, and what is newer than a cut
    but like an example before it, or of a group with one, is in no split; then every example needs a time.
    """
    strata = defaultdict[str, list[Unit]](list)
    for unit in (begun if "time" in by else units)(examples, near=near, seed=seed):
        strata[unit.label if "label" in by else ""].append(unit)
    parts: Cut = {name: [] for name in SPLITS}
    for label in sorted(strata):
        drawn = strata[label]
        for name, cut in (_by_time if "time" in by else _by_chance)(drawn, shares).items():
            parts[name] += cut
    if "time" in by and len(strata) > 1:
        parts = _apart(parts, near)
    return {
        name: [one for unit in sorted(cut, key=_key) for one in unit.members] for name, cut in parts.items()
    }


def units(examples: Sequence[Example], *, near: float, seed: int) -> list[Unit]:
    """Clusters that near-duplicates and groups connect, in the order of the draw."""
    questions = [question(example) for example in examples]
    together = defaultdict[int, list[Example]](list)
    for place, first in enumerate(
        connected(len(examples), [*enumerate(clusters(questions, near)), *_grouped(examples)])
    ):
        together[first].append(examples[place])
    return sorted((_unit(members, seed) for members in together.values()), key=_key)


def begun(examples: Sequence[Example], *, near: float, seed: int) -> list[Unit]:
    """Each example alone, with the time from which on it may be evaluated, in the order of the draw."""
    texts = [normalised(question(example)) for example in examples]
    first = _firsts((text, example.time) for text, example in zip(texts, examples, strict=True))
    known = list(first)
    alike = dict(first)
    for pair in near_pairs(known, near):
        for one, other in ((known[pair.a], known[pair.b]), (known[pair.b], known[pair.a])):
            alike[one] = min(alike[one], first[other])
    groups = _firsts((example.group, example.time) for example in examples)
    found = []
    for text, example in zip(texts, examples, strict=True):
        starts = [at for at in (alike.get(text), groups.get(example.group or ""), example.time) if at]
        found.append(replace(_unit([example], seed), start=min(starts, default=None)))
    return sorted(found, key=_key)


K = TypeVar("K")


def _firsts(said: Iterable[tuple[K | None, dt.datetime | None]]) -> dict[K, dt.datetime]:
    """The first time of everything that has one."""
    first: dict[K, dt.datetime] = {}
    for key, time in said:
        if key is not None and time is not None:
            first[key] = min(first.get(key, time), time)
    return first


def _grouped(examples: Sequence[Example]) -> Iterable[tuple[int, int]]:
    first: dict[str, int] = {}
    for place, example in enumerate(examples):
        if example.group is not None:
            yield first.setdefault(example.group, place), place


def _unit(members: list[Example], seed: int) -> Unit:
    keyed = sorted((digest.of_value([seed, *_said(member)]), member.id, member) for member in members)
    counts = Counter(member.label or "" for member in members)
    label = min(counts, key=lambda name: (-counts[name], name))
    return Unit(keyed[0][0], label, tuple(member for _, _, member in keyed))


def _said(example: Example) -> list[str]:
    return [*(f"{message.role}: {message.content}" for message in example.messages), example.text or ""]


def _key(unit: Unit) -> tuple[str, str]:
    return unit.key, unit.members[0].id


def _by_time(drawn: Sequence[Unit], shares: Mapping[Split, float]) -> Cut:
    """Give `test` what begins last, `validation` what begins before; what ends behind a cut falls out."""
    size = sum(len(unit.members) for unit in drawn)
    cut: Cut = {}
    left = list(drawn)
    for name in _EVALUATED:
        at = _moment(left, _wanted(size, len(left), shares.get(name, 0.0)))
        cut[name] = [unit for unit in left if at and unit.start and unit.start >= at]
        left = [unit for unit in left if at is None or _before(unit, at)]
    return {**cut, "train": left}


def _apart(parts: Cut, near: float) -> Cut:
    """Without what is like an example of a later split or of its group: each label has a cut of its own."""
    cut = dict(parts)
    for later, earlier in _PAIRS:
        evaluated, known = _asked(cut[later]), _asked(cut[earlier])
        alike = {pair.b for pair in near_matches(evaluated, known, near)}
        groups = {one.group for unit in cut[later] for one in unit.members if one.group is not None}
        cut[earlier] = [
            unit
            for place, unit in enumerate(cut[earlier])
            if place not in alike and not any(one.group in groups for one in unit.members)
        ]
    return cut


def _asked(drawn: Sequence[Unit]) -> list[str]:
    """The question of each unit of one example."""
    return [normalised(question(unit.members[0])) for unit in drawn]


def _moment(drawn: Sequence[Unit], wanted: int) -> dt.datetime | None:
    """The moment from which on most nearly as many examples begin as are wanted, some before it, too."""
    sizes = Counter[dt.datetime]()
    for unit in drawn:
        if unit.start:
            sizes[unit.start] += len(unit.members)
    counted, nearest = 0, None
    for start in sorted(sizes, reverse=True)[:-1] if wanted else ():
        before, counted = counted, counted + sizes[start]
        if nearest is not None and abs(counted - wanted) >= abs(before - wanted):
            break
        nearest = start
    return nearest


def _before(unit: Unit, at: dt.datetime) -> bool:
    return all(one.time is not None and one.time < at for one in unit.members)


def _by_chance(drawn: Sequence[Unit], shares: Mapping[Split, float]) -> Cut:
    """Fill `test`, then `validation`, with the units that fit; `train` takes the others."""
    size = sum(len(unit.members) for unit in drawn)
    room = {name: _wanted(size, len(drawn), shares.get(name, 0.0)) for name in _EVALUATED}
    free = size - max(len(unit.members) for unit in drawn)
    if 0 < free < sum(room.values()):  # nearly all hangs together: what does not is divided
        room = {name: round(free * wanted / sum(room.values())) for name, wanted in room.items()}
    cut: Cut = {name: [] for name in SPLITS}
    for unit in drawn:
        fits = [name for name in room if room[name] >= len(unit.members)]
        cut[fits[0] if fits else "train"].append(unit)
        if fits:
            room[fits[0]] -= len(unit.members)
    return cut


def _wanted(size: int, drawn: int, share: float) -> int:
    """Examples of a label that a split should have; one at least where there is enough to share."""
    wanted = round(size * share)
    return max(wanted, 1) if share > 0 and drawn >= _FEWEST_UNITS else min(wanted, max(drawn - 1, 0))
