"""The source `parquet`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Parquet:
    """A Parquet file."""

    path: str

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file, read a part at a time."""
        return batches(self._rows(project / self.path, tell))

    def _rows(self, path: Path, tell: Tell) -> Iterator[Row]:
        pa, parquet = require("pyarrow", extra="all"), require("pyarrow.parquet", extra="all")
        number = 0
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    for values in batch.to_pylist():
                        number += 1
                        yield f"row {number}", values
        except (OSError, ValueError, pa.ArrowException) as error:
            what = f"this is no readable Parquet file: {error}"
            tell(Problem(where=self.path, what=what, fix="write the file again"))
