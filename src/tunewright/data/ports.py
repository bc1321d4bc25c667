"""The ports of the stage: where examples come from, and what changes them, in Arrow batches."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, runtime_checkable

import orjson
from pydantic import BeforeValidator

from tunewright.runtime.lazy import require
from tunewright.runtime.lines import Tell

__all__ = [
    "GROUP",
    "PLACE",
    "Change",
    "Learner",
    "Listed",
    "Row",
    "Source",
    "Tell",
    "Transform",
    "batches",
    "located",
]

Listed = Annotated[tuple[str, ...], BeforeValidator(lambda one: (one,) if isinstance(one, str) else one)]
"""Texts, of which a single one may stand without a list: an option of a plug-in."""

Row = tuple[str, dict[str, object]]
"""Place inside the source (`line 41`) and the values by column."""

PLACE = "#place"
"""Column of every batch that says where in the source an example stands."""

GROUP = "#group"
"""Column of a batch that says which examples must stay in one split, unless `columns.group` names another."""

_BATCH = 4096
_BYTES = 1 << 23
"""Characters from which a batch is full, however few its rows are."""


class Source(Protocol):
    """A plug-in of the group `sources`: its fields are its options."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The files that are read, for their digests."""
        ...

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Record batches of text columns: strings as they are, anything else as JSON.

        Every batch has the column `PLACE`. A line that cannot be read is told and left out.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a transform did to one text of an example, or to the example as a whole."""

    source: str
    """Place that the example came from."""
    part: str
    """`messages[0]`, `text`, `label` …; `example` where the example was dropped."""
    what: str
    """What was found and done, in words that may stand in a report."""
    before: str | None = None
    """The text before; None where it must not be kept."""
    after: str | None = None
    """The text after; None where the example was dropped or the text must not be kept."""


class Transform(Protocol):
    """A plug-in of the group `transforms`: its fields are its options."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - `pyarrow.RecordBatch`
        """The batch (schema of `runtime.examples`) as it should be, and every change made to it.

        Rows keep their order; a row that is left out is a change of the part `example`.
        """
        ...


@runtime_checkable
class Learner(Protocol):
    """A transform that has to see the data first, such as what repeats in it."""

    def prepare(self, batches: Iterable[Any]) -> Transform:
        """The transform that knows these batches: those of `sources`, after the transforms before it."""
        ...


def batches(rows: Iterable[Row]) -> Iterator[Any]:
    """Record batches over the rows, as `Source.read` gives them."""
    block: list[tuple[str, dict[str, str | None]]] = []
    size = 0
    for place, values in rows:
        texts = {name: _text(value) for name, value in values.items()}
        size += sum(len(text) for text in texts.values() if text)
        block.append((place, texts))
        if len(block) == _BATCH or size > _BYTES:
            yield _batch(block)
            block, size = [], 0
    if block:
        yield _batch(block)


def _batch(block: list[tuple[str, dict[str, str | None]]]) -> Any:  # noqa: ANN401 - a `pyarrow.RecordBatch`
    pa = require("pyarrow", extra="all")
    names = dict.fromkeys(name for _, values in block for name in values)
    columns = {PLACE: pa.array([place for place, _ in block], pa.string())}
    for name in names:
        columns[name] = pa.array([values.get(name) for _, values in block], pa.string())
    return pa.RecordBatch.from_pydict(columns)


def located(columns: Any, first: int) -> Any:  # noqa: ANN401 - Arrow's table and batch
    """A table as a batch of text columns, with the column `PLACE` that counts lines from `first`."""
    pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
    counted = require("numpy", extra="all").arange(first, first + columns.num_rows)
    numbers = pa.array(counted).cast(pa.string())
    places = compute.binary_join_element_wise("line", numbers, " ")
    texts = {name: columns[name].cast(pa.string()).combine_chunks() for name in columns.schema.names}
    return pa.RecordBatch.from_pydict({PLACE: places, **texts})


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):  # what pandas writes where there is nothing
        return None
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # nested deeper than JSON is written: nothing that an example could hold
        return None
