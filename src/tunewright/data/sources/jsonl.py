"""The source `jsonl`: an object a line, or one JSON array of objects."""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches, located
from tunewright.runtime.lazy import require
from tunewright.runtime.lines import Block, blocks, decoded, head, is_utf8, kind_of, lines, undecodable, wide

_LOOK = 256
"""Lines at the beginning that tell the columns."""

WHOLE = 1 << 28
"""Characters that a JSON array may have, which is read as a whole: 256 Mi."""

_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list"}


@dataclass(frozen=True, kw_only=True)
class Jsonl:
    """A JSON object a line (JSONL), or a file that is one array of objects; `.gz` and `.zst` too."""

    path: str
    encoding: str = "utf-8"

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file's objects; bad lines are told with their number."""
        path = project / self.path
        if kind_of(path) == ".json" or _opens_with_bracket(path):
            return batches(self._items(path, tell))
        return self._blocks(path, tell) if is_utf8(self.encoding) else batches(self._objects(path, tell))

    def _blocks(self, path: Path, tell: Tell) -> Iterator[Any]:
        """Batches, one a block: at once where every line is sound, with the columns of the first lines."""
        columns: list[str] = []
        for block in blocks(path, self.path, tell):
            if wide(block):
                tell(undecodable(f"{self.path} line 1", block.data, path))
                return
            columns = columns or _columns(block)
            quick = _at_once(block, columns)
            if quick is not None:
                yield located(quick, block.first)
                continue
            yield from batches(self._each(decoded(block, path, self.path, tell), tell))

    def _objects(self, path: Path, tell: Tell) -> Iterator[Row]:
        yield from self._each(lines(path, self.encoding, self.path, tell), tell)

    def _each(self, numbered: Iterator[tuple[int, str | None]], tell: Tell) -> Iterator[Row]:
        for number, line in numbered:
            if line is not None and line.strip():
                yield from _object(line, f"line {number}", self.path, tell)

    def _items(self, path: Path, tell: Tell) -> Iterator[Row]:
        read, size, sound = list[str](), 0, True
        for _, line in lines(path, self.encoding, self.path, tell):
            size += len(line or "")
            if size > WHOLE:
                tell(self._too_large())
                return
            sound = sound and line is not None
            read.append(line or "")
        if not sound:
            return
        text = "".join(read)
        try:
            value = orjson.loads(text) if text.strip() else []
        except orjson.JSONDecodeError as error:
            first = next((line for line in read if line.strip()), "")
            if first.strip() in ("{", "["):
                tell(_broken(f"{self.path} line {error.lineno}", error))
            else:
                yield from self._each(iter(enumerate(read, 1)), tell)
            return
        yield from self._values(value, tell)

    def _values(self, value: object, tell: Tell) -> Iterator[Row]:
        if isinstance(value, dict):
            yield from self._one(value, tell)
        elif isinstance(value, list):
            for place, item in enumerate(value, 1):
                yield from _row(item, f"item {place}", self.path, tell)
        else:
            yield from _row(value, "line 1", self.path, tell)

    def _one(self, value: dict[str, object], tell: Tell) -> Iterator[Row]:
        """One object is an example if its values are plain, and many if each of its values is an object."""
        if any(isinstance(inner, str) for inner in value.values()):
            yield "line 1", value
        elif value and all(isinstance(inner, dict) for inner in value.values()):
            for place, inner in enumerate(value.values(), 1):  # by number: a key may be somebody's
                yield f"item {place}", {**inner}  # type: ignore[dict-item]
        else:
            what = "this file is one JSON object, not a list of examples"
            fix = "write an array of objects, or one object a line"
            tell(Problem(where=self.path, what=what, fix=fix))

    def _too_large(self) -> Problem:
        what = f"this file is one JSON value of more than {WHOLE >> 20} MiB, which must be read as a whole"
        return Problem(where=self.path, what=what, fix="write one object a line (`.jsonl`)")


def _opens_with_bracket(path: Path) -> bool:
    return head(path, 64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _columns(block: Block) -> list[str]:
    """Every key of the first objects, which detection looks at."""
    found: dict[str, None] = {}
    for line in itertools.islice(io.BytesIO(block.data), _LOOK):
        with contextlib.suppress(orjson.JSONDecodeError):
            value = orjson.loads(line)
            found |= dict.fromkeys(value if isinstance(value, dict) else ())
    return list(found)


def _at_once(block: Block, columns: list[str]) -> Any:  # noqa: ANN401 - Arrow's table
    """Text columns of a block of JSON objects, or None where its lines must be looked at one by one.

    Read by polars, several times as fast as line by line. It takes every line that is not blank as one
    object or refuses the whole, so as many rows as lines means a row for each line. Texts with zeros
    are left to the slow way: polars reads a lone surrogate as one. Of a key that stands twice in an
    object it takes the first value, the slow way the last.
    """
    if not columns:
        return None
    polars = require("polars", extra="all")
    count = block.ends + (not block.data.endswith(b"\n"))
    try:
        found = polars.read_ndjson(block.data, schema=dict.fromkeys(columns, polars.String))
    except polars.exceptions.PolarsError:
        return None
    table = found.rechunk().to_arrow() if found.height == count else None
    return None if table is None or _has_zeros(table) else table


def _has_zeros(table: Any) -> bool:  # noqa: ANN401 - Arrow
    """True if a text holds a zero character."""
    np = require("numpy", extra="all")
    buffers = (chunk.buffers()[2] for column in table.columns for chunk in column.chunks)
    return any(buffer and not np.frombuffer(buffer, np.uint8).all() for buffer in buffers)


def _object(line: str, place: str, name: str, tell: Tell) -> Iterator[Row]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        tell(_broken(f"{name} {place}", error))
        return
    yield from _row(value, place, name, tell)


def _row(value: object, place: str, name: str, tell: Tell) -> Iterator[Row]:
    if isinstance(value, dict):
        yield place, value
        return
    kind = "null" if value is None else _KINDS[type(value)]
    what = f"here stands {kind}, not a JSON object"
    tell(Problem(where=f"{name} {place}", what=what, fix='write {"column": "value", ...}'))


def _broken(where: str, error: orjson.JSONDecodeError) -> Problem:
    return Problem(
        where=where,
        what=f"broken JSON: {error.msg} (column {error.colno})",
        fix="mend it, or set `data.skip_bad_lines: true` to leave such lines out",
    )
