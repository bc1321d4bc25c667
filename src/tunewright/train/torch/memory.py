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


REFUSALS = (
    "allocate memory",
    "bad_alloc",
    "not enough memory",
    "can't start new thread",
    "could not create a ",  # oneDNN: of a primitive, its descriptor, a memory
    "could not execute a primitive",
)
"""How libraries say that memory was refused; oneDNN names what it could not make, and not why."""

LIFTED = 12
"""A refusal lifts the limit by a twelfth of it at most."""


@contextlib.contextmanager
def limited(most_gb: float | None) -> Iterator[None]:
    """While it lasts, memory beyond a limit is refused (`out_of_memory`); without, Linux kills the process.

    The limit is `most_gb` for the whole process, else what is free now and most of it. On systems
    other than Linux there is none.
    """
    mapped, empty = _status("VmData"), _empty()
    if mapped is None or empty is None:
        yield
        return
    free = hardware.memory()[1] * (1 - hardware.SPARED)
    most = int(mapped + free if most_gb is None else empty + most_gb * 1e9)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bounds = [one for one in (most, soft, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def loosen() -> None:
    """Lift a limit by what is mapped and empty, at most a part of it: after a refusal, once all is released.

    Linux counts what a process has mapped. The heap keeps what it handed back mapped, and mends itself
    from it; machine code and other libraries' buffers get new mappings only, and would be refused for ever.
    """
    empty, (soft, hard) = _empty(), resource.getrlimit(resource.RLIMIT_DATA)
    if empty is None or soft == resource.RLIM_INFINITY:
        return
    lifted = soft + min(empty, soft // LIFTED)
    most = lifted if hard == resource.RLIM_INFINITY else min(lifted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def granted(*limits: float | None) -> float | None:
    """The least of the limits that are set, in GB."""
    return min((one for one in limits if one), default=None)


def _empty() -> int | None:
    """Bytes that are mapped and take no memory now; None where the system does not tell."""
    mapped, filled = _status("VmData"), _status("RssAnon")
    return None if mapped is None or filled is None else max(0, mapped - filled)


def _status(name: str) -> int | None:
    """Bytes of this process by that name: `VmData` counts towards the limit; None where none are told."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
    return int(found[0]) * 1024 if found else None


def out_of_memory(error: BaseException) -> bool:
    """Whether this is how torch, its libraries or Python say that there is no more memory."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in REFUSALS)
