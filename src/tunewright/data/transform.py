"""Apply the transforms of the spec in their order, and keep count and samples of what they changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from tunewright.core.errors import DataError
from tunewright.core.types import Frozen
from tunewright.data.ports import Change, Learner, Transform
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

CHANGES = "changes.json"
"""File of the data set's folder that says what the transforms did."""

KINDS = 50
"""Kinds of change of each transform that are listed, the most frequent first."""

MASK = "mask"
"""The transform after which texts may be kept."""

SAMPLES = 10
"""Changes of each transform that are kept as samples."""


class Sample(Frozen):
    """One change, to be shown."""

    source: str
    part: str
    what: str
    before: str | None
    after: str | None


class Transformed(Frozen):
    """What one transform did."""

    name: str
    changed: int
    """Texts that were changed."""
    dropped: int
    """Examples that were left out."""
    kinds: dict[str, int] = Field(default={})
    """How often what was done, the most frequent first."""
    samples: tuple[Sample, ...]


@dataclass
class Log:
    """Counts and samples over all batches, one entry a transform."""

    names: tuple[str, ...]
    changed: list[int] = field(init=False)
    dropped: list[int] = field(init=False)
    kinds: list[Counter[str]] = field(init=False)
    samples: list[list[Sample]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at nothing."""
        self.changed, self.dropped = [0] * len(self.names), [0] * len(self.names)
        self.kinds, self.samples = [Counter() for _ in self.names], [[] for _ in self.names]

    def note(self, place: int, changes: Sequence[Change]) -> None:
        """Count the changes of the transform at that place, and keep the first as samples.

        What comes before `mask` has seen what must not be kept: its samples are without their texts.
        """
        if MASK in self.names[place + 1 :]:
            changes = [_without_text(change) for change in changes]
        dropped = sum(change.part == "example" for change in changes)
        self.dropped[place] += dropped
        self.changed[place] += len(changes) - dropped
        self.kinds[place].update(change.what for change in changes)
        room = SAMPLES - len(self.samples[place])
        self.samples[place] += [Sample.model_validate(vars(change)) for change in changes[:room]]

    def result(self) -> tuple[Transformed, ...]:
        """What each transform did, in their order."""
        columns = zip(self.names, self.changed, self.dropped, self.kinds, self.samples, strict=True)
        return tuple(
            Transformed(
                name=name,
                changed=changed,
                dropped=dropped,
                kinds=dict(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:KINDS]),
                samples=tuple(samples),
            )
            for name, changed, dropped, kinds, samples in columns
        )


def _without_text(change: Change) -> Change:
    return replace(change, what=change.what.partition(" “")[0], before=None, after=None)


def opened(transforms: Sequence[Named], sources: Callable[[], Iterable[Any]]) -> tuple[Transform, ...]:
    """The transforms, ready to be applied; those that learn see the batches of the sources first.

    A learner sees what the transforms before it make of the batches, so each learner costs one more pass.
    """
    ready: list[Transform] = []
    for named in transforms:
        one = plugins.make("transforms", named)
        ready.append(one.prepare(_applied(sources(), tuple(ready))) if isinstance(one, Learner) else one)
    return tuple(ready)


def _applied(batches: Iterable[Any], transforms: Sequence[Transform]) -> Iterator[Any]:
    for batch in batches:
        for one in transforms:
            batch, _ = one.apply(batch)
        yield batch


def transform(batches: Iterable[Any], transforms: Sequence[Transform], log: Log) -> Iterator[Any]:
    """The batches of examples, every opened transform applied to each in turn."""
    for batch in batches:
        for place, one in enumerate(transforms):
            batch, changes = one.apply(batch)
            log.note(place, changes)
        yield batch


def changes_of(folder: Path) -> tuple[Transformed, ...]:
    """What each transform did to a data set, from its folder; raises `DataError`."""
    path = folder / CHANGES
    try:
        return tuple(Transformed.model_validate(one) for one in orjson.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise DataError(
            "the record of the changes cannot be read",
            where=str(path),
            fix="`tunewright run --only data --again` makes it anew",
        ) from error
