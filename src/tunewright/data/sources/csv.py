"""The source `csv`: a table with a header line, comma, tab, semicolon or bar between its values."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.runtime.lines import delimiter as found_delimiter
from tunewright.runtime.lines import lines

Delimiter = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r'^[^"\r\n]$')]
"""One character that neither quotes nor ends a line."""


@dataclass(frozen=True, kw_only=True)
class Csv:
    """A CSV or TSV file with a header line; values in quotes may hold line ends."""

    path: str
    delimiter: Delimiter | None = None
    """Found in the header line if left out."""
    encoding: str = "utf-8"

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file's lines; bad ones are told with their number."""
        return batches(self._rows(project / self.path, tell))

    def _rows(self, path: Path, tell: Tell) -> Iterator[Row]:
        bad: set[int] = set()
        text = _decoded(lines(path, self.encoding, self.path, tell), bad)
        first = next(text, "")
        reader = csv.reader(
            _again(first, text), delimiter=self.delimiter or found_delimiter(first), strict=True
        )
        header = self._header(reader, tell) if first.strip() and not bad else None
        while header is not None:
            start = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                tell(self._broken(start, error))
                continue
            if bad.isdisjoint(range(start, reader.line_num + 1)):
                yield from self._row(header, values, start, tell)

    def _header(self, reader: Iterator[list[str]], tell: Tell) -> list[str] | None:
        try:
            header = [name.strip() for name in next(reader)]
        except csv.Error as error:
            tell(self._broken(1, error))
            return None
        twice = [name for name, count in Counter(header).items() if count > 1]
        if twice:
            tell(self._problem(1, f"the column `{twice[0]}` stands twice in the header", "rename one"))
            return None
        return header

    def _row(self, header: list[str], values: list[str], number: int, tell: Tell) -> Iterator[Row]:
        if len(values) == len(header):
            yield f"line {number}", {name: value or None for name, value in zip(header, values, strict=True)}
        elif values:
            what = f"{len(values)} values for {len(header)} columns"
            tell(self._problem(number, what, "put values that hold the delimiter in quotes"))

    def _broken(self, number: int, error: csv.Error) -> Problem:
        what = "a quote that opens here is never closed" if _at_end(error) else f"broken CSV: {error}"
        return self._problem(number, what, "close it, and double the quotes inside a quoted value")

    def _problem(self, number: int, what: str, fix: str) -> Problem:
        return Problem(where=f"{self.path} line {number}", what=what, fix=fix)


def _at_end(error: csv.Error) -> bool:
    return "end of data" in str(error)


def _decoded(numbered: Iterator[tuple[int, str | None]], bad: set[int]) -> Iterator[str]:
    for number, line in numbered:
        if line is None:
            bad.add(number)
        yield "\n" if line is None else line


def _again(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest
