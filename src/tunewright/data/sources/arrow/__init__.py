"""The source `arrow`: Arrow IPC files and streams, which is what Feather is, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.runtime.lazy import require

_FILE = b"ARROW1"


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """An Arrow or Feather file, read a batch at a time."""

    path: str

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file, checked before they are used."""
        return batches(self._rows(project / self.path, tell))

    def _rows(self, path: Path, tell: Tell) -> Iterator[Row]:
        pa = require("pyarrow", extra="all")
        number = 0
        try:
            for batch in self._batches(path):
                batch.validate(full=True)
                for values in batch.to_pylist():
                    number += 1
                    yield f"row {number}", values
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            what = f"this is no readable Arrow file: {error}"
            tell(Problem(where=f"{self.path} row {number + 1}", what=what, fix="write the file again"))

    def _batches(self, path: Path) -> Iterator[Any]:
        ipc = require("pyarrow.ipc", extra="all")
        with path.open("rb") as file:
            whole = file.read(len(_FILE)) == _FILE
            file.seek(0)
            if not whole:
                yield from ipc.open_stream(file)
                return
            opened = ipc.open_file(file)
            for place in range(opened.num_record_batches):
                yield opened.get_batch(place)
