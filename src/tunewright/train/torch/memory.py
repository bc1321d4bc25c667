"""How much memory this process has needed, and how it is handed back."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys

import torch


def peak_gb() -> float:
    """Highest memory so far, of the GPU if there is one, in GB."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def release() -> None:
    """Hand freed memory back to the system, where the C library can (glibc's `malloc_trim`)."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
