"""Examples on disk: one Parquet schema, written and read in Arrow batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.core.errors import DataError
from tunewright.core.types import Dataset, Example, Split
from tunewright.runtime.lazy import require

NEAR_DUPLICATE = "near-duplicate"
"""Tag of an evaluation example that stands in training too, alike or nearly so, or whose group does."""

SYNTHETIC = "synthetic"
"""Tag of an example that a model made: trained on, never evaluated."""

REPLAY = "replay"
"""Tag of a general example against forgetting: trained on under no instruction, never evaluated."""

REPEAT = "repeat"
"""Tag of an example that stands in training a second time."""

OUTCOME = "outcome:"
"""Begins the tag that says how it ended, such as `outcome:resolved`."""

_BATCH = 4096


def path_of(dataset: Dataset, split: Split) -> Path:
    """Parquet file that holds a split."""
    return dataset.path / f"{split}.parquet"


def schema() -> Any:  # noqa: ANN401 - a `pyarrow.Schema`
    """Arrow schema of examples: one column a field, times in UTC to the microsecond."""
    pa = require("pyarrow", extra="all")
    text = pa.string()
    message = pa.struct([("role", text), ("content", text)])
    columns = {
        "id": text,
        "messages": pa.list_(message),
        "text": text,
        "rejected": text,
        "references": pa.list_(text),
        "desirable": pa.bool_(),
        "label": text,
        "group": text,
        "time": pa.timestamp("us", tz="UTC"),
        "weight": pa.float64(),
        "tags": pa.list_(text),
        "source": text,
    }
    return pa.schema(list(columns.items()))


def batch_of(rows: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401 - a `pyarrow.RecordBatch`
    """Rows of plain values, keys as in `Example`, as one Arrow batch."""
    pa = require("pyarrow", extra="all")
    return pa.RecordBatch.from_pylist(rows, schema=schema())


def to_batches(examples: Iterable[Example]) -> Iterator[Any]:
    """The examples as Arrow batches, in their order."""
    remaining = iter(examples)
    while block := list(itertools.islice(remaining, _BATCH)):
        yield batch_of([example.model_dump() for example in block])


def of_batch(batch: Any) -> Iterator[Example]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
    """The examples of an Arrow batch."""
    return map(Example.model_validate, batch.to_pylist())


def write(examples: Iterable[Example], path: Path) -> None:
    """Write examples to a Parquet file, in their order."""
    parquet = require("pyarrow.parquet", extra="all")
    with parquet.ParquetWriter(path, schema()) as writer:
        for batch in to_batches(examples):
            writer.write_batch(batch)


def write_batches(batches: Iterable[Any], path: Path) -> int:
    """Stream batches into a Parquet file without compression, for the next step; the number of examples."""
    parquet = require("pyarrow.parquet", extra="all")
    options = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    count = 0
    with parquet.ParquetWriter(path, schema(), **options) as writer:
        for batch in batches:
            writer.write_batch(batch)
            count += batch.num_rows
    return count


def read(dataset: Dataset, split: Split) -> list[Example]:
    """Examples of a split in their frozen order; raises `DataError` if its file cannot be read."""
    return read_file(path_of(dataset, split))


def of_task(dataset: Dataset) -> list[Example]:
    """The training examples that say how the task is done: each once, nothing general, no bad answers."""
    others = {REPLAY, REPEAT}
    found = read(dataset, "train")
    return [one for one in found if one.desirable is not False and not others.intersection(one.tags)]


def read_file(path: Path) -> list[Example]:
    """Examples of a Parquet file that `write` made; raises `DataError`."""
    pa, parquet = require("pyarrow", extra="all"), require("pyarrow.parquet", extra="all")
    try:
        with parquet.ParquetFile(path) as file:
            return [example for batch in file.iter_batches(_BATCH) for example in of_batch(batch)]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(
            "the examples of this split cannot be read",
            where=str(path),
            fix="run the data stage again: `tunewright run --only data --again`",
        ) from error
