"""What training sees how often: ratios and weights by source, and general examples against forgetting."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tunewright.core import digest
from tunewright.core.types import Example, Portion
from tunewright.data.spec import Mix
from tunewright.runtime.examples import REPEAT, REPLAY


def mixed(train: Sequence[Example], spec: Mix, names: Iterable[str], seed: int) -> list[Example]:
    """The examples as often, and with the weight, as the mix says for their source.

    A fraction of a source is drawn from seed and content alone, so that the order of lines says nothing.
    """
    by_source = defaultdict[str, list[Example]](list)
    for example in train:
        by_source[source_of(example, names)].append(example)
    times = {
        example.id: times
        for name, found in by_source.items()
        for example, times in _times(found, spec.ratios.get(name, 1.0), seed)
    }
    weighted = (
        (example, example.weight * spec.weights.get(source_of(example, names), 1.0)) for example in train
    )
    return [one for example, weight in weighted for one in _copies(example, weight, times[example.id])]


def _times(examples: Sequence[Example], ratio: float, seed: int) -> Iterator[tuple[Example, int]]:
    """How often each example stands: the whole part of the ratio, and once more for those that are drawn."""
    whole = int(ratio)
    more = round((ratio - whole) * len(examples))
    for place, example in enumerate(drawn(examples, seed)):
        yield example, whole + (place < more)


def _copies(example: Example, weight: float, times: int) -> Iterator[Example]:
    for number in range(1, times + 1):
        again = {"id": f"{example.id}~{number}", "tags": (*example.tags, REPEAT)} if number > 1 else {}
        yield example.model_copy(update={"weight": weight, **again})


def drawn(examples: Iterable[Example], seed: int) -> list[Example]:
    """The examples in an order that comes from seed and content alone."""
    return sorted(examples, key=lambda example: (digest.of_value([seed, example.id]), example.source))


def replayed(examples: Iterable[Example]) -> list[Example]:
    """The examples, marked as general ones."""
    return [one.model_copy(update={"tags": (*one.tags, REPLAY), "label": None}) for one in examples]


def wanted(count: int, share: float) -> int:
    """Examples to add to `count` others so that they are that share of all."""
    return round(count * share / (1 - share))


def source_of(example: Example, names: Iterable[str]) -> str:
    """The source of an example by its name in the spec; the beginning of its place if none fits."""
    place = example.source
    fits = [name for name in names if place == name or place.startswith(f"{name} ")]
    return max(fits, key=len, default=place.partition(" line ")[0])


def portions(train: Sequence[Example], names: Sequence[str]) -> tuple[Portion, ...]:
    """What training sees of each source, in the order of the spec."""
    standing, different, weights = Counter[str](), Counter[str](), defaultdict[str, float](float)
    replayed: set[str] = set()
    for example in train:
        name = source_of(example, names)
        standing[name] += 1
        different[name] += REPEAT not in example.tags
        weights[name] += example.weight
        if REPLAY in example.tags:
            replayed.add(name)
    known = [name for name in dict.fromkeys(names) if name in standing]
    return tuple(
        Portion(
            source=name,
            examples=different[name],
            standing=standing[name],
            share=standing[name] / len(train),
            weight=weights[name] / standing[name],
            replay=name in replayed,
        )
        for name in (*known, *sorted(standing.keys() - set(known)))
    )
