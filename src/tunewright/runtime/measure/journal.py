"""A journal of completions: one line an answer, appended as it ends, so that nothing is asked twice."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunewright.core import digest
from tunewright.core.types import Completion, Request


def key_of(request: Request) -> str:
    """The name of a request: equal requests have equal keys."""
    return digest.of_value(request.model_dump(mode="json", exclude_defaults=True))


@dataclass(frozen=True)
class Kept:
    """An answer and when it was given."""

    completion: Completion
    observed: str
    """ISO date and time, UTC."""


@dataclass(frozen=True)
class Journal:
    """An append-only JSONL file; a line that a crash cut short counts as not written."""

    path: Path

    def read(self) -> dict[str, Kept]:
        """Every whole line, by the key of its request."""
        if not self.path.exists():
            return {}
        kept = {}
        for line in self.path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
                completion = Completion.model_validate(entry["completion"])
                kept[str(entry["key"])] = Kept(completion, str(entry["observed"]))
            except (ValueError, KeyError, TypeError):
                continue
        return kept

    def appender(self) -> Callable[[str, Completion], Kept]:
        """A function that appends one answer; ends a line that a crash left open first."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists() and not self.path.read_bytes().endswith(b"\n"):
            self._write(b"\n")

        def append(key: str, completion: Completion) -> Kept:
            kept = Kept(completion, dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
            entry = {
                "key": key,
                "observed": kept.observed,
                "completion": completion.model_dump(mode="json"),
            }
            self._write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            return kept

        return append

    def _write(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)
