"""Runs a command and measures its wall time, CPU time and peak memory, children included."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_LOOK_EVERY = 0.25


@dataclass(frozen=True)
class Watched:
    """What a command cost."""

    code: int
    seconds: float
    cpu_seconds: float
    peak_gb: float


def watch(command: list[str], *, cwd: Path) -> Watched:
    """Run a command to its end, looking at its whole family of processes four times a second."""
    started = time.perf_counter()
    process = psutil.Popen(command, cwd=cwd, stdout=sys.stderr, stderr=sys.stderr)
    seen: dict[int, float] = {}
    peak = 0
    done = threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, _look(process, seen))
            done.wait(_LOOK_EVERY)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    code = subprocess.Popen.wait(process)
    done.set()
    thread.join()
    return Watched(code, time.perf_counter() - started, sum(seen.values()), peak / 1e9)


def _look(process: psutil.Process, seen: dict[int, float]) -> int:
    """Proportional memory of the family right now, in bytes; CPU seconds by process go to `seen`."""
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in family:
        try:
            total += member.memory_info().rss
            times = member.cpu_times()
            seen[member.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total
