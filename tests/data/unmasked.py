"""Reads a source as the data stage does where nothing is masked: what `look` shows is."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tunewright.core.types import Example, Problem
from tunewright.data import Columns, DataSpec
from tunewright.data.read import Reading
from tunewright.runtime.plugins import Named


class Found(NamedTuple):
    """Every example, and everything that was told."""

    first: list[Example]
    problems: list[Problem]

    @property
    def examples(self) -> int:
        return len(self.first)


def unmasked(source: str | Named, folder: Path, columns: dict[str, str] | None = None) -> Found:
    spec = DataSpec(sources=(source,), columns=Columns.model_validate(columns or {}))
    reading = Reading(folder, spec, labelled=False)
    examples = reading.examples(spec.sources)
    return Found(examples, [*reading.fatal, *reading.problems, *reading.unsure])
