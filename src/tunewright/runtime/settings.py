"""The only file that reads the environment."""

from __future__ import annotations

import contextlib
import math
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
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "128",
}
"""Set for every child that trains or generates: glibc keeps freed memory, in few heaps, and oneDNN fewer of
the products that it compiles for every size anew (LAB.md)."""

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
    memory_gb: float | None = None
    """Most memory of a training run that names no limit of its own; what is free if None."""


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from `TUNEWRIGHT_CACHE`, `_THREADS`, `_MEMORY_GB` and `_OFFLINE`, which begin alike."""
    values = os.environ if environ is None else environ
    home = Path(values.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Settings(
        cache=Path(values.get("TUNEWRIGHT_CACHE") or home / "tunewright"),
        threads=_threads(values.get("TUNEWRIGHT_THREADS") or ""),
        offline=values.get("TUNEWRIGHT_OFFLINE", "") not in ("", "0"),
        memory_gb=_gigabytes(values.get("TUNEWRIGHT_MEMORY_GB") or ""),
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


def _gigabytes(asked: str) -> float | None:
    if not asked:
        return None
    with contextlib.suppress(ValueError):
        if 0 < (found := float(asked)) < math.inf:
            return found
    raise SpecError(
        f"`{asked}` is no amount of memory",
        where="TUNEWRIGHT_MEMORY_GB",
        fix="give gigabytes, such as 8, or leave it out to use what is free",
    )


def child_environment() -> dict[str, str]:
    """The environment of a child process that trains, generates or serves."""
    return {**STEADY_MEMORY, **PATIENT_THREADS, **os.environ, **QUIET}


def sharing(threads: int, memory_gb: float) -> dict[str, str]:
    """What to add to the environment of a child that shares the machine with others like it."""
    return {"TUNEWRIGHT_THREADS": str(threads), "TUNEWRIGHT_MEMORY_GB": f"{memory_gb:.3f}"}


def quiet() -> None:
    """Silence telemetry of third-party libraries in this process, before they are imported."""
    os.environ.update(QUIET)
