"""Duplicates among the examples of the sources: clustered, and one of those that are the same kept.

Two examples are near as far as their questions are (the notion of splits and overlap). Removed is only what
has the same setting and answer, too, and what the kept one itself is near to: nothing is removed by a chain.
Clusters for the eye connect each example with the one it is most like (first-neighbour clustering: Sarfraz,
Sharma and Stiefelhagen, *Efficient Parameter-free Clustering Using First Neighbor Relations*, 2019), so
that templates do not grow into one cluster of everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson
from pydantic import TypeAdapter

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Frozen
from tunewright.data.question import question
from tunewright.data.spec import Deduplicate
from tunewright.runtime.near import connected, likely_normalised_pairs, normalised, similarity

FILE = "duplicates.jsonl"
"""File of the data set's folder: one cluster a line, those with removed examples first."""

_SHOWN = 500
"""Characters of a text that a cluster keeps."""

_COMPARED = 32
"""Kept examples that an example is compared with, at the most, before it is kept itself."""


class Member(Frozen):
    """An example of a cluster."""

    id: str
    source: str
    question: str
    answer: str
    removed: bool
    like: str
    """Id of the one it is most like; of a removed example, the one that was kept in its place."""
    similarity: float
    """Jaccard index of the questions' character 4-grams, 0 to 1."""


class Cluster(Frozen):
    """Examples that are alike; the first is the one that was kept, or would be."""

    members: tuple[Member, ...]
    contradictory: bool
    """Whether they are answered in different ways."""

    @property
    def removed(self) -> int:
        """Members that were taken out."""
        return sum(member.removed for member in self.members)


@dataclass(frozen=True)
class Deduplicated:
    """The examples that stay, in their order, and what was found."""

    kept: list[Example]
    clusters: tuple[Cluster, ...]

    @property
    def removed(self) -> int:
        """Examples that were taken out."""
        return sum(cluster.removed for cluster in self.clusters)


class Link(NamedTuple):
    """The example that another is most like."""

    to: int
    similarity: float


def deduplicate(examples: Sequence[Example], spec: Deduplicate) -> Deduplicated:
    """Take out the duplicates that the spec names, and cluster what is alike."""
    asked = [normalised(question(example)) for example in examples]
    places = _places(asked)
    near = _neighbours(places, spec.show) if spec.show < 1 else {}
    order = _preferred(examples, spec)
    removed = _removed(examples, asked, near, order, spec)
    links = {**_nearest(places, near, removed), **removed}
    kept = [example for place, example in enumerate(examples) if place not in removed]
    return Deduplicated(kept, tuple(_clusters(examples, links, removed, order)))


def _places(asked: Sequence[str]) -> dict[str, list[int]]:
    places = defaultdict[str, list[int]](list)
    for place, text in enumerate(asked):
        places[text].append(place)
    return places


Neighbours = dict[str, list[tuple[str, float]]]
"""Normalised question → others at least `show` alike, with the similarity."""


def _neighbours(places: dict[str, list[int]], show: float) -> Neighbours:
    texts = list(places)
    found = defaultdict[str, list[tuple[str, float]]](list)
    for pair in likely_normalised_pairs(texts, show):
        found[texts[pair.a]].append((texts[pair.b], pair.similarity))
        found[texts[pair.b]].append((texts[pair.a], pair.similarity))
    return found


def _preferred(examples: Sequence[Example], spec: Deduplicate) -> list[int]:
    """Places in the order in which examples have the right to stay."""
    if spec.keep == "first":
        return list(range(len(examples)))
    return sorted(range(len(examples)), key=lambda place: -len(examples[place].answer or ""))


def _removed(
    examples: Sequence[Example],
    asked: Sequence[str],
    near: Neighbours,
    order: Iterable[int],
    spec: Deduplicate,
) -> dict[int, Link]:
    """Place of every example that is taken out, with the kept one that it is a duplicate of."""
    if spec.by == "near":
        return _near_removed(examples, asked, near, order, spec.remove)
    said = _letter_for_letter if spec.by == "exact" else _normalised
    first: dict[object, int] = {}
    kept = ((place, first.setdefault(said(examples[place]), place)) for place in order)
    return {place: Link(stays, 1.0) for place, stays in kept if stays != place}


def _letter_for_letter(example: Example) -> object:
    return example.messages, example.text, example.rejected, example.desirable


def _normalised(example: Example) -> object:
    turns = tuple((turn.role, normalised(turn.content)) for turn in example.messages)
    return turns, normalised(example.text or ""), normalised(example.rejected or ""), example.desirable


def _near_removed(
    examples: Sequence[Example], asked: Sequence[str], near: Neighbours, order: Iterable[int], remove: float
) -> dict[int, Link]:
    kept = defaultdict[str, list[int]](list)
    removed: dict[int, Link] = {}
    for place in order:
        alike = [(asked[place], 1.0), *(one for one in near.get(asked[place], ()) if one[1] >= remove)]
        standing = ((other, alike_by) for text, alike_by in alike for other in kept[text][:_COMPARED])
        found = next((one for one in standing if _replaces(examples[one[0]], examples[place], remove)), None)
        if found is None:
            kept[asked[place]].append(place)
        else:
            removed[place] = Link(*found)
    return removed


def _replaces(kept: Example, other: Example, threshold: float) -> bool:
    """Whether nothing is lost with the other but wording: setting, label and verdict are the same."""
    if (kept.label, kept.desirable, _setting(kept)) != (other.label, other.desirable, _setting(other)):
        return False
    pairs = ((kept.answer, other.answer), (kept.rejected, other.rejected), (kept.text, other.text))
    return all(_alike(a, b, threshold) for a, b in pairs)


def _setting(example: Example) -> tuple[str, ...]:
    return tuple(normalised(turn.content) for turn in example.messages if turn.role == "system")


def _alike(a: str | None, b: str | None, threshold: float) -> bool:
    if a is None or b is None:
        return a is b
    return a == b or similarity(a, b) >= threshold


def _nearest(places: dict[str, list[int]], near: Neighbours, removed: dict[int, Link]) -> dict[int, Link]:
    """For each example that has one, the example that it is most like: one that asks the same, or nearly."""
    first = {
        text: next((place for place in same if place not in removed), same[0])
        for text, same in places.items()
    }
    best = {text: min(found, key=lambda one: (-one[1], first[one[0]])) for text, found in near.items()}
    links = {first[text]: Link(first[other], alike_by) for text, (other, alike_by) in best.items()}
    for text, same in places.items():
        links |= {place: Link(first[text], 1.0) for place in same if place != first[text]}
    return links


def _clusters(
    examples: Sequence[Example], links: dict[int, Link], removed: dict[int, Link], order: Sequence[int]
) -> Iterator[Cluster]:
    """Clusters of two or more, those with removed examples first, then contradictions, then the largest."""
    rank = {place: number for number, place in enumerate(order)}
    together = defaultdict[int, list[int]](list)
    for place, first in enumerate(connected(len(examples), ((one, link.to) for one, link in links.items()))):
        together[first].append(place)
    found = []
    for members in (members for members in together.values() if len(members) > 1):
        ranked = sorted(members, key=lambda place: (place in removed, rank[place]))
        backwards = {links[place].to: place for place in reversed(ranked) if place in links}
        told = tuple(_member(examples, place, links, removed, backwards) for place in ranked)
        answers = set(map(normalised, {examples[place].answer or "" for place in members}))
        found.append(Cluster(members=told, contradictory=len(answers) > 1))
    return iter(sorted(found, key=lambda one: (-one.removed, not one.contradictory, -len(one.members))))


def _member(
    examples: Sequence[Example],
    place: int,
    links: dict[int, Link],
    removed: dict[int, Link],
    backwards: dict[int, int],
) -> Member:
    """An example with its link, or with the link that leads to it."""
    example = examples[place]
    link = links.get(place) or Link(backwards[place], links[backwards[place]].similarity)
    return Member(
        id=example.id,
        source=example.source,
        question=question(example)[:_SHOWN],
        answer=(example.answer or "")[:_SHOWN],
        removed=place in removed,
        like=examples[link.to].id,
        similarity=round(link.similarity, 4),
    )


def write(clusters: Sequence[Cluster], folder: Path) -> None:
    """Keep the clusters in the folder of the data set."""
    lines = (orjson.dumps(cluster.model_dump(mode="json")) for cluster in clusters)
    (folder / FILE).write_bytes(b"".join(line + b"\n" for line in lines))


def clusters_of(folder: Path) -> tuple[Cluster, ...]:
    """The clusters of a data set, from its folder; raises `DataError`."""
    path = folder / FILE
    try:
        lines = path.read_bytes().splitlines()
        return TypeAdapter(tuple[Cluster, ...]).validate_python([orjson.loads(line) for line in lines])
    except (OSError, ValueError) as error:
        raise DataError(
            "the record of the duplicates cannot be read",
            where=str(path),
            fix="`tunewright run --only data --again` makes it anew",
        ) from error
