"""The source `jsonl`: an object a line, or one JSON array of objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.core.types import Problem
from tunewright.data.ports import Row, Tell, batches
from tunewright.data.sources.lines import lines


@dataclass(frozen=True, kw_only=True)
class Jsonl:
    """A JSON object a line (JSONL), or a file that is one array of objects."""

    path: str
    encoding: str = "utf-8"

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file."""
        return (project / self.path,)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file's objects; bad lines are told with their number."""
        path = project / self.path
        whole = path.suffix.lower() == ".json" or _opens_with_bracket(path)
        return batches(self._items(path, tell) if whole else self._objects(path, tell))

    def _objects(self, path: Path, tell: Tell) -> Iterator[Row]:
        for number, line in lines(path, self.encoding, self.path, tell):
            if line is not None and line.strip():
                yield from _object(line, f"line {number}", self.path, tell)

    def _items(self, path: Path, tell: Tell) -> Iterator[Row]:
        read = [line for _, line in lines(path, self.encoding, self.path, tell)]
        if None in read:
            return
        text = "".join(line or "" for line in read)
        try:
            value = orjson.loads(text) if text.strip() else []
        except orjson.JSONDecodeError as error:
            first = next((line for line in read if line and line.strip()), "")
            if first.strip() in ("{", "["):
                tell(_broken(f"{self.path} line {error.lineno}", error))
            else:
                yield from self._objects(path, tell)
            return
        if isinstance(value, dict):
            yield from self._one(value, tell)
        elif isinstance(value, list):
            for place, item in enumerate(value, 1):
                yield from _row(item, f"item {place}", self.path, tell)
        else:
            yield from _row(value, "line 1", self.path, tell)

    def _one(self, value: dict[str, object], tell: Tell) -> Iterator[Row]:
        """A file of one object is one example if its values are plain, else no list of examples."""
        if any(isinstance(inner, str) for inner in value.values()):
            yield "line 1", value
            return
        tell(
            Problem(
                where=self.path,
                what="this file is one JSON object, not a list of examples",
                fix="write an array of objects, or one object a line",
            )
        )


def _opens_with_bracket(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


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
    kind = "null" if value is None else f"a {type(value).__name__}"
    what = f"here stands {kind}, not a JSON object"
    tell(Problem(where=f"{name} {place}", what=what, fix='write {"column": "value", ...}'))


def _broken(where: str, error: orjson.JSONDecodeError) -> Problem:
    return Problem(
        where=where,
        what=f"broken JSON: {error.msg} (column {error.colno})",
        fix="mend it, or set `data.skip_bad_lines: true` to leave such lines out",
    )
