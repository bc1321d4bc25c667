"""Apply the transforms of the spec in their order, and keep count and samples of what they changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.core.types import Frozen
from tunewright.data.ports import Change, Transform
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

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
    samples: tuple[Sample, ...]


@dataclass
class Log:
    """Counts and samples over all batches, one entry a transform."""

    names: tuple[str, ...]
    changed: list[int] = field(init=False)
    dropped: list[int] = field(init=False)
    samples: list[list[Sample]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at nothing."""
        self.changed, self.dropped = [0] * len(self.names), [0] * len(self.names)
        self.samples = [[] for _ in self.names]

    def note(self, place: int, changes: Sequence[Change]) -> None:
        """Count the changes of the transform at that place, and keep the first as samples."""
        dropped = sum(change.part == "example" for change in changes)
        self.dropped[place] += dropped
        self.changed[place] += len(changes) - dropped
        room = SAMPLES - len(self.samples[place])
        self.samples[place] += [Sample.model_validate(vars(change)) for change in changes[:room]]

    def result(self) -> tuple[Transformed, ...]:
        """What each transform did, in their order."""
        columns = zip(self.names, self.changed, self.dropped, self.samples, strict=True)
        return tuple(
            Transformed(name=name, changed=changed, dropped=dropped, samples=tuple(samples))
            for name, changed, dropped, samples in columns
        )


def transform(batches: Iterable[Any], transforms: Sequence[Named], log: Log) -> Iterator[Any]:
    """The batches of examples, every transform applied to each in turn."""
    opened: list[Transform] = [plugins.make("transforms", one) for one in transforms]
    for batch in batches:
        for place, one in enumerate(opened):
            batch, changes = one.apply(batch)
            log.note(place, changes)
        yield batch
