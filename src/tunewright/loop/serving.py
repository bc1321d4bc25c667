"""The server as a child process, so that whoever starts it can end and replace it."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tunewright.core.types import Release
from tunewright.loop.spec import Spec
from tunewright.runtime import children
from tunewright.runtime.plugins import Named

_PATIENCE = 10.0
VLLM = "vllm"
"""Form, engine and program have one name; where the program is not installed, transformers answers."""


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
    open: bool = False
    """Whether it answers without a key."""
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
            children.end(self.process)


def engine_of(spec: Spec, release: Release | None) -> Named:
    """The engine that serves: the one asked for, else what the form needs, else what was measured."""
    if spec.deploy.engine is not None:
        return spec.deploy.engine
    if release is not None and release.form == VLLM and shutil.which(VLLM) is not None:
        return Named(name=VLLM)
    if release is not None and release.engine not in ("transformers", spec.evaluate.engine.name):
        return Named(name=release.engine)
    return spec.evaluate.engine


def start(project: Path, *, host: str, port: int) -> Served:
    """Start the server of a project and wait until it answers; raises what it could not do."""
    command = [sys.executable, "-m", "tunewright.server", "--project", str(project)]
    return launch([*command, "--host", host, "--port", str(port)], where=f"{host}:{port}")


def launch(command: Sequence[str], *, where: str) -> Served:
    """Start a server by its command and wait for the line of JSON in which it says where it listens."""
    process, said = children.start(command, where=where)
    return Served(
        name=said["name"],
        url=said["url"],
        allowed=bool(said.get("allowed", True)),
        reasons=tuple(said.get("reasons", ())),
        open=bool(said.get("open", False)),
        process=process,
    )
