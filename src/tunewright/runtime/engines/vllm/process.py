"""vLLM as a child process: its command line, its health, and its end."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

import httpx

from tunewright.core.errors import EngineError
from tunewright.runtime import children, settings

_POLL = 0.2
_ASK = 5.0


class Child:
    """One vLLM; who asks after its end gets a new one."""

    def __init__(
        self, command: Sequence[str], root: str, patience: float, secrets: Mapping[str, str]
    ) -> None:
        self._command, self._root, self._patience, self._secrets = list(command), root, patience, secrets
        self._lock = threading.Lock()
        self._process: children.Process | None = None
        self._closed = False

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    def ready(self) -> None:
        """Start it unless it runs, and wait until it is well; raises `EngineError`."""
        with self._lock:
            if self._closed:
                raise EngineError("the engine was closed", where="engine vllm", fix="open it again")
            if self.runs:
                return
            if shutil.which(self._command[0]) is None:
                fix = "`pip install vllm` on a machine with a GPU, or give the `url` of one that runs"
                raise EngineError(f"there is no program `{self._command[0]}`", where="engine vllm", fix=fix)
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                env={**settings.child_environment(), **self._secrets},
                start_new_session=True,
            )
            try:
                self._wait(self._process)
            except BaseException:
                children.end(self._process)
                raise

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                children.end(self._process)

    def _wait(self, process: children.Process) -> None:
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            if process.poll() is not None:
                fix = "see its messages above; `options` of the engine are words of its command line"
                raise EngineError("vLLM ended before it could answer", where="engine vllm", fix=fix)
            if well(self._root):
                return
            time.sleep(_POLL)
        what = f"vLLM was not ready after {self._patience:g} seconds"
        raise EngineError(what, where="engine vllm", fix="raise `patience` of the engine")


def well(root: str) -> bool:
    """Whether the server at the address says that it is well."""
    try:
        return httpx.get(f"{root}/health", timeout=_ASK, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
