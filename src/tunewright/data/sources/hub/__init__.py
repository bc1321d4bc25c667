"""The source `hub`: a data set of the Hugging Face hub, or one saved to disk by `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Hub:
    """A data set by name, `ORG/NAME`, or the folder of one that `save_to_disk` wrote."""

    name: str
    split: str = "train"
    subset: str | None = None
    """Configuration of the data set, where it has several."""
    revision: str | None = None
    """Commit or tag; without one, the data set may change from run to run."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The files of a data set on disk; none of one on the hub."""
        folder = project / self.name
        return tuple(path for path in sorted(folder.rglob("*")) if path.is_file()) if folder.is_dir() else ()

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the split."""
        return batches(self._rows(project, tell))

    def _rows(self, project: Path, tell: Tell) -> Iterator[Row]:
        datasets = require("datasets", extra="hub")
        try:
            for number, values in enumerate(self._opened(datasets, project), 1):
                yield f"row {number}", values
        except (OSError, ValueError, KeyError, datasets.exceptions.DatasetsError) as error:
            what = f"this data set cannot be read: {str(error).splitlines()[0] if str(error) else error!r}"
            fix = (
                "look at its name, `split`, `subset` and the network; or save it to disk and name the folder"
            )
            tell(Problem(where=f"hub:{self.name}", what=what, fix=fix))

    def _opened(self, datasets: Any, project: Path) -> Any:  # noqa: ANN401 - the library and its data set
        folder = project / self.name
        if not folder.is_dir():
            return datasets.load_dataset(
                self.name, self.subset, split=self.split, revision=self.revision, streaming=True
            )
        found = datasets.load_from_disk(str(folder))
        return found[self.split] if isinstance(found, datasets.DatasetDict) else found
