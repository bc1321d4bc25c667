"""CSV and JSONL files of questions: read with line numbers, written back with one more column."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tunewright.core.errors import DataError
from tunewright.core.types import Message, Problem
from tunewright.runtime.lines import delimiter as found_delimiter
from tunewright.runtime.lines import lines
from tunewright.runtime.plugins import unknown

QUESTION = ("text", "question", "prompt", "input", "instruction")
"""Columns that hold the question where none is named, in this order."""
MESSAGES = "messages"
SHOWN = 20
"""Problems shown at once."""


@dataclass(frozen=True)
class Line:
    """One question with the line it begins on and its columns as they came."""

    number: int
    messages: tuple[Message, ...]
    columns: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A file of questions."""

    path: Path
    delimiter: str
    """Empty for JSONL."""
    lines: tuple[Line, ...]


def read(path: Path, *, column: str | None, into: str) -> Table:
    """All questions of a file; raises `DataError` with every line that cannot be asked."""
    delimiter = _delimiter(path)
    rows = _csv_rows(path, delimiter) if delimiter else _jsonl_rows(path)
    lines, problems = list[Line](), list[Problem]()
    for number, found in rows:
        try:
            lines.append(Line(number, _question(found, column, into), found))
        except DataError as error:
            problems += [p.model_copy(update={"where": f"{path} line {number}"}) for p in error.problems]
    if problems:
        raise DataError(problems=problems[:SHOWN])
    if not lines:
        raise DataError("there is nothing to answer", where=str(path), fix="give a file with questions")
    return Table(path, delimiter, tuple(lines))


def write(table: Table, into: str, answers: Iterable[str], path: Path) -> None:
    """The same lines with one more column."""
    pairs = zip(table.lines, answers, strict=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        if not table.delimiter:
            for line, answer in pairs:
                file.write(json.dumps({**line.columns, into: answer}, ensure_ascii=False) + "\n")
            return
        writer = csv.writer(file, delimiter=table.delimiter, lineterminator="\n")
        writer.writerow([*table.lines[0].columns, into])
        writer.writerows([*line.columns.values(), answer] for line, answer in pairs)


def _delimiter(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        return ""
    if suffix not in (".csv", ".tsv"):
        raise DataError(
            f"`{suffix or path.name}` is no kind of file that can be answered",
            where=str(path),
            fix="give a `.csv`, `.tsv` or `.jsonl` file",
        )
    return found_delimiter(next(_text(path), ""))


def _text(path: Path) -> Iterator[str]:
    """Lines of the file; raises `DataError` where it is missing or not UTF-8."""
    problems: list[Problem] = []
    try:
        for _, line in lines(path, "utf-8", str(path), problems.append):
            if problems:
                break
            yield line or ""
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror}", where=str(path), fix="check the path"
        ) from error
    if problems:
        fix = "save the file as UTF-8"
        raise DataError(problems=[problem.model_copy(update={"fix": fix}) for problem in problems])


def _csv_rows(path: Path, delimiter: str) -> Iterator[tuple[int, dict[str, Any]]]:
    reader = csv.reader(_text(path), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        _check_header(path, header)
        begins = reader.line_num + 1
        for fields in reader:
            if fields:
                yield begins, _named(path, begins, header, fields)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"broken CSV: {error}", where=f"{path} line {reader.line_num}", fix="mend the quotes"
        ) from error


def _check_header(path: Path, header: list[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(
            f"the column `{twice[0]}` stands there twice", where=f"{path} line 1", fix="rename one of them"
        )


def _named(path: Path, number: int, header: list[str], fields: list[str]) -> dict[str, Any]:
    if len(fields) != len(header):
        raise DataError(
            f"{len(fields)} fields where the header has {len(header)}",
            where=f"{path} line {number}",
            fix="put quotes around fields that hold the delimiter",
        )
    return dict(zip(header, fields, strict=True))


def _jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(_text(path), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"broken JSON: {error.msg} at column {error.colno}",
                where=f"{path} line {number}",
                fix="write one JSON object a line",
            ) from error
        if not isinstance(found, dict):
            raise DataError("this is no JSON object", where=f"{path} line {number}", fix="write {...}")
        yield number, found


def _question(columns: dict[str, Any], column: str | None, into: str) -> tuple[Message, ...]:
    if into in columns:
        raise DataError(f"there is a column `{into}` already", fix="rename it, or take it out")
    if column is None and MESSAGES in columns:
        return _conversation(columns[MESSAGES])
    found = columns.get(column or _guess(tuple(columns)))
    if column is not None and column not in columns:
        raise DataError(problems=[unknown(column, tuple(columns), where="", noun="column")])
    if column == MESSAGES and not isinstance(found, str):
        return _conversation(found)
    if not isinstance(found, str) or not found.strip():
        raise DataError("the question is empty", fix="fill it in, or take the line out")
    return (Message(role="user", content=found),)


def _guess(names: tuple[str, ...]) -> str:
    found = [*(name for name in QUESTION if name in names), *islice(names, 1 if len(names) == 1 else 0)]
    if not found:
        listing = ", ".join(f"`{name}`" for name in names)
        raise DataError("no column is known to hold the question", fix=f"name one with `--column`: {listing}")
    return found[0]


def _conversation(found: object) -> tuple[Message, ...]:
    """The turns before the last answer."""
    try:
        turns = [Message.model_validate(turn) for turn in found] if isinstance(found, list) else []
    except ValidationError as error:
        raise DataError("a turn is not `role` and `content`", fix="mend `messages`") from error
    if turns and turns[-1].role == "assistant":
        turns.pop()
    if not turns:
        raise DataError("there is no turn to answer", fix="mend `messages`")
    return tuple(turns)
