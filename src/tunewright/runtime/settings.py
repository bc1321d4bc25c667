"""The only file that reads the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunewright.core.errors import SpecError
from tunewright.runtime import hardware

QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}
"""Set for every process that loads a heavy library: nothing phones home."""

STEADY_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "536870912",
    "MALLOC_TRIM_THRESHOLD_": "536870912",
    "MALLOC_ARENA_MAX": "2",
}
"""Set for every child that trains or generates: glibc keeps freed memory, in few heaps (LAB.md)."""

PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "100000"}
"""Set for the same children: threads that wait spin for a moment, then sleep (LAB.md)."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says, read once."""

    cache: Path
    """Where converted base models lie."""
    threads: int
    """CPU threads to use."""
    offline: bool
    """True forbids even a fetch that the user named."""


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `TUNEWRIGHT_CACHE`, `TUNEWRIGHT_THREADS` and `TUNEWRIGHT_OFFLINE`."""
    values = os.environ if environ is None else environ
    home = Path(values.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Settings(
        cache=Path(values.get("TUNEWRIGHT_CACHE") or home / "tunewright"),
        threads=_threads(values.get("TUNEWRIGHT_THREADS") or ""),
        offline=values.get("TUNEWRIGHT_OFFLINE", "") not in ("", "0"),
    )


def secret(name: str, *, where: str, environ: Mapping[str, str] | None = None) -> str:
    """The key that an environment variable holds; raises `SpecError`, which never repeats what was given.

    What was given may be the key itself, put where its name belongs.
    """
    values = os.environ if environ is None else environ
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name):
        raise SpecError(
            "this is no name of an environment variable; a key itself must not stand here",
            where=where,
            fix="put the key into a variable, such as `export TEACHER_KEY=…`, and write `key: TEACHER_KEY`",
        )
    if not values.get(name, "").strip():
        raise SpecError(
            "the environment variable that holds the key is not set",
            where=where,
            fix=f"`export {name}=…`, or leave `key` out where the endpoint needs none",
        )
    return values[name].strip()


def _threads(asked: str) -> int:
    if not asked:
        return hardware.usable_threads()
    if not asked.isdigit() or int(asked) == 0:
        raise SpecError(
            f"`{asked}` is no number of threads",
            where="TUNEWRIGHT_THREADS",
            fix="give a whole number, or leave it out to use every core",
        )
    return int(asked)


def child_environment() -> dict[str, str]:
    """The environment of a child process that trains, generates or serves."""
    return {**STEADY_MEMORY, **PATIENT_THREADS, **os.environ, **QUIET}


def quiet() -> None:
    """Silence telemetry of third-party libraries in this process, before they are imported."""
    os.environ.update(QUIET)
