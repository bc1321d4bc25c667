"""How much memory this process has needed, what it may have, and how it is handed back."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from tunewright.runtime import hardware


def peak_gb() -> float:
    """Highest memory so far, of the GPU if there is one, in GB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def release() -> None:
    """Free what nobody holds any more, and hand it back to the system."""
    gc.collect()
    trim()


def trim() -> None:
    """Hand freed memory back to the system, where the C library can (glibc's `malloc_trim`)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


REFUSALS = ("allocate memory", "bad_alloc", "not enough memory", "can't start new thread")
"""How libraries say that memory was refused."""


@contextlib.contextmanager
def limited(most_gb: float | None) -> Iterator[None]:
    """While it lasts, memory beyond a limit is refused (`out_of_memory`); without, Linux kills the process.

    The limit is `most_gb` for the whole process, else what is free now and most of it. On systems
    other than Linux there is none.
    """
    held = _held()
    if held is None:
        yield
        return
    free = hardware.memory()[1] * (1 - hardware.SPARED)
    most = int(held + free if most_gb is None else most_gb * 1e9)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [one for one in (most, soft, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def granted(*limits: float | None) -> float | None:
    """The least of the limits that are set, in GB."""
    return min((one for one in limits if one), default=None)


def _held() -> int | None:
    """Bytes that count towards the limit now; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmData:")]
    return int(found[0]) * 1024 if found else None


def out_of_memory(error: BaseException) -> bool:
    """Whether this is how torch, its libraries or Python say that there is no more memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in REFUSALS)
