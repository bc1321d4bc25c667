"""Masks the rows of a batch, each as one conversation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tunewright.core import digest
from tunewright.data.ports import Change
from tunewright.runtime import examples
from tunewright.runtime.redact import Detector, Finding, Kind, find, is_word, mask

_ID = 16
_SURE = 0.8
_PLAIN = ("text", "rejected")


@cache
def _numbers() -> dict[str, int]:
    """Number of every group and label that was replaced, over all sources that this process reads."""
    return {}


@dataclass
class Masker:
    """What `Mask` does."""

    kinds: Mapping[Kind, str]
    detectors: tuple[Detector, ...]
    custom: tuple[re.Pattern[str], ...]

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
        parts = list(_parts(row))
        texts = [text for _, text in parts]
        found = [find(text, self.detectors, self.custom) for text in texts]
        dropped = sorted({one.kind for each in found for one in each if self.kinds.get(one.kind) == "drop"})
        if dropped:
            what = f"{', '.join(dropped)} found, example left out"
            return None, [Change(source=row["source"], part="example", what=what)]
        masked = mask(texts, found, keep=self._kept(), is_word=is_word)
        changes = [
            Change(source=row["source"], part=part, what=f"{kind} masked")
            for (part, _), count in zip(parts, masked.counts, strict=True)
            for kind in count
        ]
        new = _put(row, dict(zip([part for part, _ in parts], masked.texts, strict=True)))
        return self._renamed(new), changes

    def _kept(self) -> frozenset[Kind]:
        return frozenset(kind for kind, action in self.kinds.items() if action == "keep")

    def _renamed(self, row: dict[str, Any]) -> dict[str, Any]:
        """Id, group, label and tags without what they may give away.

        A digest of the content as it was would let anybody try values until it fits; so the id is made
        from the place and the masked content. Labels and tags are closed lists: only sure findings
        count there.
        """
        row["id"] = digest.of_value([row["source"], *(text for _, text in _parts(row)), row["label"]])[:_ID]
        if row["group"] is not None:
            row["group"] = _numbered("group", row["group"])
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
        return _numbered(_kind_of(found), text) if found else text


def _kind_of(found: list[Finding]) -> str:
    return found[0].kind


def _numbered(kind: str, value: str) -> str:
    numbers = _numbers()
    key = f"{kind}:{value}"
    if key not in numbers:
        numbers[key] = len(numbers) + 1
    return f"{kind}-{numbers[key]}"


def _parts(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and text of every text of a row but the answer of a classification, which is its label."""
    for place, turn in enumerate(row["messages"] or ()):
        if row["label"] is None or turn["role"] != "assistant":
            yield f"messages[{place}]", turn["content"]
    for name in _PLAIN:
        if row[name]:
            yield name, row[name]
    for place, text in enumerate(row["references"] or ()):
        yield f"references[{place}]", text


def _put(row: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    return {
        **row,
        "messages": [
            {**turn, "content": texts.get(f"messages[{place}]", turn["content"])}
            for place, turn in enumerate(row["messages"] or ())
        ],
        **{name: texts.get(name, row[name]) for name in _PLAIN},
        "references": [
            texts.get(f"references[{place}]", text) for place, text in enumerate(row["references"] or ())
        ],
    }
