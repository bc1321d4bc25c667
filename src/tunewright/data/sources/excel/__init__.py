"""The source `excel`: a sheet of an Excel or OpenDocument workbook."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.runtime.lazy import require

LARGEST = 1 << 28
"""Bytes that a workbook may have once it is unpacked, which is read as a whole: 256 MiB."""


@dataclass(frozen=True, kw_only=True)
class Excel:
    """One sheet with a header row."""

    path: str
    sheet: str | None = None
    """The first one if left out."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the sheet's rows."""
        return batches(self._rows(project / self.path, tell))

    def _rows(self, path: Path, tell: Tell) -> Iterator[Row]:
        header, *rows = self._cells(path, tell) or ([],)
        names = [str(name).strip() for name in header]
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice:
            what = f"the column `{twice}` stands twice in the header"
            tell(Problem(where=f"{self.path} row 1", what=what, fix="rename one"))
            return
        for number, values in enumerate(rows, 2):
            named = {name: _plain(value) for name, value in zip(names, values, strict=False) if name}
            if any(value is not None for value in named.values()):
                yield f"row {number}", named

    def _cells(self, path: Path, tell: Tell) -> list[list[Any]]:
        calamine = require("python_calamine", extra="all")
        try:
            _check_size(path)
            book = calamine.CalamineWorkbook.from_path(str(path))
            if self.sheet is not None and self.sheet not in book.sheet_names:
                listing = ", ".join(f"`{name}`" for name in book.sheet_names)
                tell(
                    Problem(
                        where=self.path, what=f"there is no sheet `{self.sheet}`", fix=f"known: {listing}"
                    )
                )
                return []
            sheet = book.get_sheet_by_name(self.sheet) if self.sheet else book.get_sheet_by_index(0)
            cells: list[list[Any]] = sheet.to_python(skip_empty_area=False)
        except FileNotFoundError:
            raise
        except (
            calamine.CalamineError,
            zipfile.BadZipFile,
            NotImplementedError,
            OSError,
            ValueError,
            IndexError,
        ) as error:
            what = f"this is no readable workbook: {error}"
            tell(Problem(where=self.path, what=what, fix="save it again, as `.xlsx` or as `.csv`"))
            return []
        return cells


def _check_size(path: Path) -> None:
    """Raise `ValueError` for a workbook that would be too large once it is unpacked."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
            if size > LARGEST:
                raise ValueError(f"unpacked it has {size >> 20} MiB, over {LARGEST >> 20}")


def _plain(value: Any) -> object:  # noqa: ANN401 - any cell
    """A cell as JSON would hold it: whole numbers without a point, empty cells as null."""
    if value == "" or value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, str | int | float | bool) else str(value)
