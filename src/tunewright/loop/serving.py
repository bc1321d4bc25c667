"""The server as a child process, so that whoever starts it can end and replace it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.core.types import Problem
from tunewright.runtime import settings

_PATIENCE = 10.0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server that answers at `url` until it is closed."""

    name: str
    """Name of the model, as requests give it."""
    url: str
    """Base address for an OpenAI client."""
    allowed: bool = True
    """False for a candidate that the report does not allow."""
    reasons: tuple[str, ...] = ()
    process: subprocess.Popen[bytes]

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self) -> int:
        """Wait until the server ends; returns its exit code."""
        return self.process.wait()

    def close(self) -> None:
        """Let open answers finish, then end the process."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_PATIENCE)
        finally:
            _end(self.process)


def start(project: Path, *, host: str, port: int) -> Served:
    """Start the server of a project and wait until it answers; raises what it could not do."""
    command = [sys.executable, "-m", "tunewright.server", "--project", str(project)]
    return launch([*command, "--host", host, "--port", str(port)], where=f"{host}:{port}")


def launch(command: Sequence[str], *, where: str) -> Served:
    """Start a server by its command and wait for the line of JSON in which it says where it listens.

    It has a session of its own: Ctrl-C in a terminal reaches only who started it, and `close` tells it once.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=settings.child_environment(),
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        said = _answer(process.stdout)
        threading.Thread(target=_drain, args=(process.stdout,), name="server output", daemon=True).start()
        if "url" in said:
            return _served(said, process)
        process.wait()
    except BaseException:
        _end(process)
        raise
    if "problems" in said:
        raise TunewrightError(problems=[Problem.model_validate(item) for item in said["problems"]])
    raise ServeError("the server ended before it answered", where=where, fix="see its messages above")


def _served(said: Mapping[str, Any], process: subprocess.Popen[bytes]) -> Served:
    reasons = tuple(said.get("reasons", ()))
    allowed = bool(said.get("allowed", True))
    return Served(name=said["name"], url=said["url"], allowed=allowed, reasons=reasons, process=process)


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


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
