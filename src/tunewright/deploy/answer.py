"""Answer a file: every question once, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tunewright.core import digest
from tunewright.core.errors import DataError, TunewrightError, WorkspaceError
from tunewright.core.types import Request
from tunewright.deploy import tables
from tunewright.deploy.respond import Specialist
from tunewright.deploy.tables import Table
from tunewright.runtime.engine import wait
from tunewright.runtime.workspace import appearing, writable

BATCH = 128
Told = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class AnswerSpec:
    """How a file is answered."""

    column: str | None = None
    """Column of the question; None: `messages`, or one with a usual name, or the only one."""
    into: str = "answer"
    """Column of the answer."""
    constrained: bool | None = None
    """None leaves it to the specialist."""
    max_tokens: int = 256
    overwrite: bool = False
    """Replace an output that exists."""


@dataclass(frozen=True)
class Answered:
    """What was done."""

    path: Path
    questions: int
    kept: int
    """Answers that an earlier, interrupted call had left."""


def quiet(done: int, total: int) -> None:
    """Tell nobody."""
    del done, total


def answer_file(
    specialist: Specialist,
    path_in: Path,
    path_out: Path,
    spec: AnswerSpec | None = None,
    *,
    told: Told = quiet,
) -> Answered:
    """Write `path_in` with one more column to `path_out`.

    Answers are kept beside the output as they come: the same call after an interruption asks only
    what is missing. The output appears whole or not at all. Raises `DataError` with file and line.
    """
    spec = spec or AnswerSpec()
    _check_paths(path_in, path_out, spec)
    table = tables.read(path_in, column=spec.column, into=spec.into)
    requests = [
        specialist.request(line.messages, constrained=spec.constrained, max_tokens=spec.max_tokens)
        for line in table.lines
    ]
    progress = path_out.with_name(path_out.name + ".progress.jsonl")
    key = digest.of_value(
        [specialist.id, [request.model_dump(mode="json", exclude_defaults=True) for request in requests]]
    )
    with writable(path_out.parent):
        answers = _kept(progress, key)
        kept = len(answers)
        with _appended(progress, key, fresh=not answers) as file:
            _ask_missing(specialist, table, requests, answers, _Keeper(file, told, len(requests)))
        with appearing(path_out) as temporary:
            ordered = [answers[place] for place in range(len(requests))]
            tables.write(table, spec.into, ordered, temporary)
        progress.unlink()
    return Answered(path_out, len(requests), kept)


@dataclass(frozen=True)
class _Keeper:
    """Writes each answer down before anybody is told of it."""

    file: IO[str]
    told: Told
    total: int

    def keep(self, answers: dict[int, str], place: int, answer: str) -> None:
        self.file.write(json.dumps({"place": place, "answer": answer}, ensure_ascii=False) + "\n")
        self.file.flush()
        answers[place] = answer
        self.told(len(answers), self.total)


def _ask_missing(
    specialist: Specialist,
    table: Table,
    requests: Sequence[Request],
    answers: dict[int, str],
    keeper: _Keeper,
) -> None:
    async def one(place: int) -> None:
        try:
            completion = await specialist.complete(requests[place])
        except TunewrightError as error:
            raise _located(error, table, place) from error
        keeper.keep(answers, place, completion.text)

    async def together(places: Sequence[int]) -> None:
        await asyncio.gather(*map(one, places))

    missing = [place for place in range(len(requests)) if place not in answers]
    for start in range(0, len(missing), BATCH):
        wait(together(missing[start : start + BATCH]))
        os.fsync(keeper.file.fileno())


def _located(error: TunewrightError, table: Table, place: int) -> TunewrightError:
    line = table.lines[place].number
    return type(error)(
        problems=[p.model_copy(update={"where": f"{table.path} line {line}"}) for p in error.problems]
    )


def _check_paths(path_in: Path, path_out: Path, spec: AnswerSpec) -> None:
    if path_out.suffix.lower() != path_in.suffix.lower():
        raise DataError(
            f"the output would be `{path_out.suffix}` of a `{path_in.suffix}` file",
            where=str(path_out),
            fix=f"name it `{path_out.with_suffix(path_in.suffix).name}`",
        )
    if not path_out.parent.is_dir():
        raise DataError("there is no such folder", where=str(path_out.parent), fix="make it first")
    if path_out.exists() and (not spec.overwrite or path_out.samefile(path_in)):
        raise DataError(
            "the output exists already", where=str(path_out), fix="name another file with `--output`"
        )


def _kept(progress: Path, key: str) -> dict[int, str]:
    """Answers of an interrupted call; a half-written last line does not count."""
    if not progress.exists():
        return {}
    lines = progress.read_bytes().split(b"\n")[:-1]
    if lines and json.loads(lines[0]).get("key") != key:
        raise WorkspaceError(
            "another input, model or setting left its unfinished answers here",
            where=str(progress),
            fix="finish that call, or delete this file",
        )
    return {found["place"]: found["answer"] for found in map(json.loads, lines[1:])}


@contextlib.contextmanager
def _appended(progress: Path, key: str, *, fresh: bool) -> Iterator[IO[str]]:
    """The progress file, open for more, cut behind its last whole line."""
    if fresh:
        progress.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")
    else:
        with progress.open("r+b") as raw:
            raw.truncate(raw.read().rfind(b"\n") + 1)
    with progress.open("a", encoding="utf-8") as file:
        yield file
