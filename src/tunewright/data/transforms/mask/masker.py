"""Masks the rows of a batch, each as one conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunewright.core import digest
from tunewright.data.ports import Change
from tunewright.data.texts import parts
from tunewright.runtime import examples
from tunewright.runtime.redact import Detector, Kind, find, is_word, mask

_ID = 16
_SURE = 0.8


@dataclass
class Masker:
    """What `Mask` does."""

    kinds: Mapping[Kind, str]
    detectors: tuple[Detector, ...]
    custom: tuple[re.Pattern[str], ...]
    numbers: dict[str, int] = field(default_factory=dict)
    """Number of every group, label and tag that was replaced, over all sources that are read."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch masked, and a change for each kind in each text."""
        kept: list[dict[str, Any]] = []
        changes: list[Change] = []
        for row in batch.to_pylist():
            new, made = self._row(row)
            changes += made
            if new is not None:
                kept.append(new)
        return examples.batch_of(kept), changes

    def _row(self, row: dict[str, Any]) -> tuple[dict[str, Any] | None, list[Change]]:
        new = dict(row)
        told = list(parts(new))
        texts = [part.text for part in told]
        found = [find(text, self.detectors, self.custom) for text in texts]
        dropped = sorted({one.kind for each in found for one in each if self.kinds.get(one.kind) == "drop"})
        if dropped:
            what = f"{', '.join(dropped)} found, example left out"
            return None, [Change(source=row["source"], part="example", what=what)]
        masked = mask(texts, found, keep=self._kept(), is_word=is_word)
        for part, text in zip(told, masked.texts, strict=True):
            part.put(text)
        changes = [
            Change(source=row["source"], part=part.name, what=f"{kind} masked")
            for part, count in zip(told, masked.counts, strict=True)
            for kind in count
        ]
        return self._renamed(new), changes

    def _kept(self) -> frozenset[Kind]:
        return frozenset(kind for kind, action in self.kinds.items() if action == "keep")

    def _renamed(self, row: dict[str, Any]) -> dict[str, Any]:
        """Id, group, label and tags without what they may give away.

        A digest of the content as it was would let anybody try values until it fits; so the id is made
        from the place and the masked content. Labels and tags are closed lists: only sure findings
        count there.
        """
        row["id"] = digest.of_value([row["source"], *(part.text for part in parts(row)), row["label"]])[:_ID]
        if row["group"] is not None:
            row["group"] = self._numbered("group", row["group"])
        row["tags"] = [self._closed(tag) for tag in row["tags"] or ()]
        if row["label"] is not None:
            label = self._closed(row["label"])
            row["messages"] = [
                {**turn, "content": label}
                if turn["role"] == "assistant" and turn["content"] == row["label"]
                else turn
                for turn in row["messages"]
            ]
            row["label"] = label
        return row

    def _closed(self, text: str) -> str:
        kept = self._kept()
        found = [one for one in find(text, (), self.custom) if one.score >= _SURE and one.kind not in kept]
        return self._numbered(found[0].kind, text) if found else text

    def _numbered(self, kind: str, value: str) -> str:
        return f"{kind}-{self.numbers.setdefault(f'{kind}:{value}', len(self.numbers) + 1)}"
