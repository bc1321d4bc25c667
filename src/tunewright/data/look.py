"""Look at a source before it is used: what it was read as, how sure that is, and the first examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Frozen, Problem
from tunewright.data import detect
from tunewright.data.ports import Transform
from tunewright.data.quiet import quiet, quietly
from tunewright.data.read import Reading, files, name_of
from tunewright.data.spec import Columns, DataSpec, Shape
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named
from tunewright.runtime.workspace import appearing, writable

SHOWN = 3


_MASKED = Named(name="mask")


class Look(Frozen):
    """What a source was read as. What it shows is masked: nobody has said yet what is in the file."""

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
    """Masked, as by the transform `mask`."""
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
    spec = DataSpec(
        sources=(source,),
        columns=Columns.model_validate(columns or {}),
        format=shape,
        transforms=(_MASKED,),
    )
    reading = Reading(Path(folder), spec, labelled=False)
    mask: Transform = plugins.make("transforms", _MASKED)
    name = name_of(source)
    first: list[Example] = []
    count = 0
    for batch in reading.batches(spec.sources):
        count += batch.num_rows
        if len(first) < SHOWN:
            first += on_disk.of_batch(mask.apply(batch.slice(0, SHOWN - len(first)))[0])
    found = reading.detected.get(name)
    return Look(
        source=name,
        shape=found.shape if found else None,
        columns=_columns(found.columns, spec) if found else {},
        confidence=found.confidence if found else 0.0,
        mapping=quiet(detect.mapping(found), spec) if found else "",
        examples=count,
        first=tuple(first),
        problems=quietly((*reading.fatal, *reading.problems, *reading.unsure), spec),
    )


def _columns(columns: Columns, spec: DataSpec) -> dict[str, str]:
    """Role and column; a table without a header has values there."""
    return {role: quiet(name, spec) for role, name in columns.named().items()}


def to_parquet(
    source: str | Named,
    path: str | Path,
    *,
    folder: str | Path = ".",
    columns: Columns | dict[str, str] | None = None,
    shape: Shape | None = None,
) -> int:
    """Stream a source into a Parquet file of examples (schema of `runtime.examples`); gives their number.

    The file appears whole or not at all: raises `DataError` with every bad line, and for a `path` that is
    one of the files that are read. Memory is bounded: one batch of rows at a time, and eight bytes an
    example for the ids.
    """
    spec = DataSpec(sources=(source,), columns=Columns.model_validate(columns or {}), format=shape)
    _spare(Path(path), [read for _, read in files(spec.sources, Path(folder))])
    reading = Reading(Path(folder), spec, labelled=False)
    with writable(Path(path).parent), appearing(Path(path)) as temporary:
        count = reading.write(spec.sources, temporary)
        reading.stop_if_bad()
    return count


def _spare(path: Path, read: Sequence[Path]) -> None:
    """Raise `DataError` for an output that is no Parquet file by name, or would overwrite what is read."""
    if path.suffix.casefold() not in (".parquet", ".pq"):
        what, fix = f"`{path.name}` is no name of a Parquet file", "end it in .parquet"
    elif path.resolve() in {one.resolve() for one in read}:
        what, fix = "this file is read, and would be overwritten", "name another file to write"
    elif not path.parent.is_dir():
        what, fix = f"there is no folder `{path.parent}` to write into", "make it, or name another one"
    else:
        return
    raise DataError(what, where=str(path), fix=fix)
