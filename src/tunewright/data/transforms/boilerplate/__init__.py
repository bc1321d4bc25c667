"""The transform `boilerplate`: passages that repeat over many examples are taken out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.core.types import Role
from tunewright.data.ports import Change
from tunewright.data.texts import SPEAKERS, parts, rewritten
from tunewright.data.transforms.boilerplate.passages import key, passages, without

_SHOWN = 80
"""Characters of a passage that a change names."""


@dataclass(frozen=True, kw_only=True)
class Boilerplate:
    """Take out lines and sentences that stand in many examples; a text of nothing else stays as it is."""

    passages: tuple[str, ...] = ()
    """Lines or sentences that are boilerplate whatever their number; case and spacing make no difference."""
    find: bool = True
    """Find others in the examples of `sources`: what stands in at least `share` and `at_least` of them."""
    share: float = 0.05
    """Share of the examples that a passage must stand in, 0 to 1."""
    at_least: int = 20
    """Examples that a passage must stand in."""
    words: int = 4
    """Shorter passages are not looked for."""
    roles: tuple[Role, ...] = SPEAKERS
    """Whose turns are looked at and rewritten."""

    def prepare(self, batches: Iterable[Any]) -> Prepared:
        """The transform that knows what repeats in these batches of examples."""
        if not self.find:
            return self._knowing({})
        counts: Counter[str] = Counter()
        examples = 0
        for batch in batches:
            for row in batch.to_pylist():
                examples += 1
                counts.update(self._standing_in(row))
        least = max(self.at_least, self.share * examples)
        return self._knowing({passage: times for passage, times in counts.items() if times >= least})

    def _knowing(self, found: Mapping[str, int]) -> Prepared:
        return Prepared({key(passage): 0 for passage in self.passages} | dict(found), self.roles)

    def _standing_in(self, row: dict[str, Any]) -> set[str]:
        """Passages of an example that are not a whole text."""
        found: set[str] = set()
        for part in parts(row):
            if part.role in self.roles:
                keys = [key(passage) for passage in passages(part.text)]
                whole = len([one for one in keys if one]) < 2
                found.update(one for one in keys if not whole and len(one.split()) >= self.words)
        return found

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch without the named passages; finding others takes `prepare` first."""
        return self._knowing({}).apply(batch)


@dataclass(frozen=True)
class Prepared:
    """The transform when it knows the passages."""

    repeated: Mapping[str, int]
    """Passage by its key → examples it stands in; 0 where it was named in the options."""
    roles: tuple[Role, ...]

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch without the passages, and every change made to it."""
        return rewritten(batch, lambda text: without(text, self.repeated.keys()), self._said, self.roles)

    def _said(self, text: str) -> str:
        first = next(one.strip() for one in passages(text) if key(one) in self.repeated)
        times = self.repeated[key(first)]
        return f"took out “{first[:_SHOWN]}”" + (f", in {times:,} examples" if times else "")
