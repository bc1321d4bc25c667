"""Progress and metrics as events: written by runs, read by faces."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tunewright.core.types import Event, EventKind

Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


def write_to(path: Path) -> Emit:
    """An `Emit` that appends each event to a JSONL file, a whole line at a time."""

    def emit(event: Event) -> None:
        with path.open("a+b", buffering=0) as file:
            # A full disk may have cut the line before: a line of its own keeps this one readable.
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            cut = end > 0 and file.read(1) != b"\n"
            file.write(b"\n" * cut + event.model_dump_json().encode() + b"\n")

    return emit


def read_from(path: Path, offset: int = 0) -> Iterator[tuple[Event, int]]:
    """Events from byte `offset` on, each with the offset behind it; a half-written last line waits."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            with contextlib.suppress(ValueError):  # a line that a full disk cut short
                yield Event.model_validate(json.loads(line)), offset


def event(kind: EventKind, step: str = "", message: str = "", **data: Any) -> Event:  # noqa: ANN401
    """An event of now."""
    return Event(kind=kind, step=step, message=message, time=dt.datetime.now(dt.UTC), data=data)
