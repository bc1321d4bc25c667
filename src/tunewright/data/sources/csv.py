"""The source `csv`: a table with a header line, comma, tab, semicolon or bar between its values."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import StringConstraints

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.data.texts import counted
from tunewright.runtime.lines import delimiter as found_delimiter
from tunewright.runtime.lines import lines

Delimiter = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r'^[^"\r\n]$')]
"""One character that neither quotes nor ends a line."""

_NAMED = re.compile(r'"?sep=([^"\r\n])"?\r?\n?', re.I)
"""The line above the header by which Excel is told the delimiter."""
_NAMELESS = "two columns or more have no name in the header"
_ABOVE = "begin the file with the names of the columns: take out lines above them, and empty columns"
_TOO_MANY = "put values that hold the delimiter in quotes"
_TOO_FEW = "put values that hold a line end in quotes, or write a delimiter for each empty value"


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
        named = _NAMED.fullmatch(first)
        delimiter = self.delimiter or (named[1] if named else found_delimiter(first))
        reader = csv.reader(_again(first, text), delimiter=delimiter, strict=True)
        if named:
            next(reader)
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

    def _header(self, reader: Any, tell: Tell) -> list[str] | None:  # noqa: ANN401 - of `csv`
        try:
            header = [name.strip() for name in next(reader)]
        except csv.Error as error:
            tell(self._broken(1, error))
            return None
        twice = [name for name, count in Counter(header).items() if count > 1]
        for name in twice:
            what = f"the column `{name}` stands twice in the header" if name else _NAMELESS
            tell(self._problem(reader.line_num, what, "rename one" if name else _ABOVE))
        return None if twice else header

    def _row(self, header: list[str], values: list[str], number: int, tell: Tell) -> Iterator[Row]:
        if len(values) == len(header):
            yield f"line {number}", {name: value or None for name, value in zip(header, values, strict=True)}
        elif values:
            what = f"{counted(values, 'value')} for {counted(header, 'column')}"
            tell(self._problem(number, what, _TOO_FEW if len(values) < len(header) else _TOO_MANY))

    def _broken(self, number: int, error: csv.Error) -> Problem:
        if "new-line character" in str(error):
            fix = "save it with the line ends of Unix or Windows"
            return self._problem(number, "a carriage return stands alone, outside quotes", fix)
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
