"""Cut examples into splits: by label, frozen by content, near-duplicates never apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tunewright.core import digest
from tunewright.core.types import SPLITS, Example, Split
from tunewright.data.question import question
from tunewright.runtime.near import clusters, connected

_FEWEST_UNITS = 3


@dataclass(frozen=True)
class Unit:
    """Examples that stay together."""

    key: str
    """Its place in the draw: from seed and content alone, so that the order of lines says nothing."""
    label: str
    members: tuple[Example, ...]


def split(
    examples: Sequence[Example], shares: Mapping[Split, float], *, near: float, seed: int
) -> dict[Split, list[Example]]:
    """The splits that have a share, and `train` with the rest; each is in the order of the draw.

    Every label is cut by the same shares. The same examples give the same splits in whatever order
    they come. A cluster of near-duplicates or a `group` that does not fit a split goes to `train`.
    """
    by_label = defaultdict[str, list[Unit]](list)
    for unit in units(examples, near=near, seed=seed):
        by_label[unit.label].append(unit)
    parts: dict[Split, list[Unit]] = {name: [] for name in SPLITS}
    for label in sorted(by_label):
        for name, cut in _cut(by_label[label], shares).items():
            parts[name] += cut
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


def _key(unit: Unit) -> str:
    return unit.key


def _cut(drawn: list[Unit], shares: Mapping[Split, float]) -> dict[Split, list[Unit]]:
    """Fill `test`, then `validation`, with the units that fit; `train` takes the others."""
    size = sum(len(unit.members) for unit in drawn)
    room = {name: _wanted(size, len(drawn), shares.get(name, 0.0)) for name in ("test", "validation")}
    cut: dict[Split, list[Unit]] = {name: [] for name in SPLITS}
    for unit in drawn:
        fits = [name for name in room if room[name] >= len(unit.members)]
        name: Split = fits[0] if fits else "train"  # type: ignore[assignment]
        cut[name].append(unit)
        if fits:
            room[fits[0]] -= len(unit.members)
    return cut


def _wanted(size: int, drawn: int, share: float) -> int:
    """Examples of a label that a split should have; one at least where there is enough to share."""
    wanted = round(size * share)
    return max(wanted, 1) if share > 0 and drawn >= _FEWEST_UNITS else min(wanted, max(drawn - 1, 0))
