"""Child processes that answer: started, listened to until they say where, ended for certain."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import IO, Any

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.core.types import Problem
from tunewright.runtime import settings

Process = subprocess.Popen[bytes]


def start(command: Sequence[str], *, where: str, held: bool = False) -> tuple[Process, dict[str, Any]]:
    """Start a server by its command; returns it with the line of JSON in which it says its `url`.

    It has a session of its own: Ctrl-C in a terminal reaches only who started it. One that is `held` has a
    standard input that ends when this process does, however that comes. Raises what the child could not do.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if held else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=settings.child_environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = _answer(process.stdout)
        threading.Thread(target=_drain, args=(process.stdout,), name="child output", daemon=True).start()
        if "url" in said:
            return process, said
        process.wait()
    except BaseException:
        end(process)
        raise
    end(process)
    if "problems" in said:
        raise TunewrightError(problems=[Problem.model_validate(item) for item in said["problems"]])
    raise ServeError("the server ended before it answered", where=where, fix="see its messages above")


def end(process: Process) -> None:
    """Kill the process if it still runs, and wait for its end."""
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _answer(lines: Iterable[bytes]) -> dict[str, Any]:
    """The first line that is meant for us, whatever a library prints before; empty if there is none."""
    for line in lines:
        with contextlib.suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict) and ("url" in said or "problems" in said):
                return said
    return {}


def _drain(output: IO[bytes]) -> None:
    """Read on, so that a server that prints is never held up by a full pipe."""
    with output:
        deque(output, maxlen=0)
