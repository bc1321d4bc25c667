"""Look at a source before it is used: what it was read as, how sure that is, and the first examples."""

from __future__ import annotations

from pathlib import Path

from tunewright.core.types import Example, Frozen, Problem
from tunewright.data import detect
from tunewright.data.read import Reading, name_of
from tunewright.data.spec import Columns, DataSpec, Shape
from tunewright.runtime import examples as on_disk
from tunewright.runtime.plugins import Named
from tunewright.runtime.workspace import appearing

SHOWN = 3


class Look(Frozen):
    """What a source was read as."""

    source: str
    shape: str | None
    """None where it could not be told."""
    columns: dict[str, str]
    """Role → column."""
    confidence: float = 0.0
    """1 for the customary names, 0.9 for names that say it too, 0.6 from the values alone."""
    mapping: str = ""
    """What to write into the spec to say the same."""
    examples: int = 0
    first: tuple[Example, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Bad lines, and what is not sure."""


def look(
    source: str | Named,
    *,
    folder: str | Path = ".",
    columns: Columns | dict[str, str] | None = None,
    shape: Shape | None = None,
) -> Look:
    """Read a source as the data stage would, without a project.

    `folder` is what paths are relative to; `columns` and `shape` are the mapping of the spec.
    """
    spec = DataSpec(sources=(source,), columns=Columns.model_validate(columns or {}), format=shape)
    reading = Reading(Path(folder), spec, labelled=False)
    name = name_of(source)
    first: list[Example] = []
    count = 0
    for batch in reading.batches(spec.sources):
        count += batch.num_rows
        if len(first) < SHOWN:
            first += on_disk.of_batch(batch.slice(0, SHOWN - len(first)))
    found = reading.detected.get(name)
    return Look(
        source=name,
        shape=found.shape if found else None,
        columns=found.columns.named() if found else {},
        confidence=found.confidence if found else 0.0,
        mapping=detect.mapping(found) if found else "",
        examples=count,
        first=tuple(first),
        problems=(*reading.fatal, *reading.problems, *reading.unsure),
    )


def to_parquet(
    source: str | Named,
    path: str | Path,
    *,
    folder: str | Path = ".",
    columns: Columns | dict[str, str] | None = None,
    shape: Shape | None = None,
) -> int:
    """Stream a source into a Parquet file of examples (schema of `runtime.examples`); gives their number.

    The file appears whole or not at all: raises `DataError` with every bad line. Memory is bounded: one
    batch of rows at a time, and eight bytes an example for the ids.
    """
    spec = DataSpec(sources=(source,), columns=Columns.model_validate(columns or {}), format=shape)
    reading = Reading(Path(folder), spec, labelled=False)
    with appearing(Path(path)) as temporary:
        count = reading.write(spec.sources, temporary)
        reading.stop_if_bad()
    return count
