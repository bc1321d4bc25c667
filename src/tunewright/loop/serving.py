"""The server as a child process, so that whoever starts it can end and replace it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.core.types import Problem
from tunewright.runtime import settings

_PATIENCE = 10.0


@dataclass(frozen=True)
class Served:
    """A server that answers at `url` until it is closed."""

    name: str
    """Name of the model, as requests give it."""
    url: str
    """Base address for an OpenAI client."""
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
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(project: Path, *, host: str, port: int) -> Served:
    """Start the server of a project and wait until it answers; raises what it could not do."""
    command = [sys.executable, "-m", "tunewright.server", "--project", str(project)]
    process = subprocess.Popen(
        [*command, "--host", host, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=settings.child_environment(),
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    said = json.loads(line) if line.startswith(b"{") else {}
    if "url" in said:
        return Served(said["name"], said["url"], process)
    process.wait()
    process.stdout.close()
    if "problems" in said:
        raise TunewrightError(problems=[Problem.model_validate(item) for item in said["problems"]])
    raise ServeError(
        "the server ended before it answered", where=f"{host}:{port}", fix="see its messages above"
    )
