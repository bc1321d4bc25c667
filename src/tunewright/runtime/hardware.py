"""What this computer has, and what of it can be used: cores, memory, instructions, accelerators."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tunewright.core.types import Frozen
from tunewright.runtime.lazy import require

Dtype = Literal["bfloat16", "float32"]
Accelerator = Literal["cuda", "mps", "cpu"]

_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "neon", "asimd", "bf16", "sve")
"""Flags that decide how fast matrices are multiplied, as Linux writes them in `/proc/cpuinfo`."""
SPARED = 0.05
"""Share of the free memory that is left to the rest of the machine."""
_FAST_BF16 = ("avx512_bf16", "amx_bf16", "bf16")
_UNLIMITED = 1 << 60
"""cgroup v1 writes a number of this order where there is no limit."""


class Gpu(Frozen):
    """One accelerator card."""

    name: str
    memory_bytes: int
    bf16: bool


class Machine(Frozen):
    """A computer, as far as training and answering care."""

    os: str
    python: str
    cpu: str
    cores: int
    """Logical cores of the whole machine."""
    threads: int
    """Cores that this process may use: affinity and the container's quota, whichever is less."""
    memory_bytes: int
    """What this process may use at most: of the machine or of its container."""
    memory_free_bytes: int
    disk_free_bytes: int
    """Where the project or the cache lies."""
    instructions: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    mps: bool = False
    """Apple's graphics processor."""
    torch: bool = False
    """Whether the `train` extra is installed."""
    looked_at_gpus: bool = False
    notes: tuple[str, ...] = ()
    """What keeps tunewright from working well here, each with a remedy."""

    @property
    def accelerator(self) -> Accelerator:
        """Where a model would run."""
        return "cuda" if self.gpus else "mps" if self.mps else "cpu"


def look(folder: Path | None = None, *, gpus: bool = False) -> Machine:
    """Look at this computer; `gpus=True` imports torch if it is installed, which takes seconds.

    `folder` is where free disk space is asked for; the current folder if not given.
    """
    memory_bytes, memory_free_bytes = memory()
    cards, mps = _accelerators() if gpus else ((), False)
    return Machine(
        os=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        threads=usable_threads(),
        memory_bytes=memory_bytes,
        memory_free_bytes=memory_free_bytes,
        disk_free_bytes=shutil.disk_usage(folder or Path.cwd()).free,
        instructions=_instructions(),
        gpus=cards,
        mps=mps,
        torch=find_spec("torch") is not None,
        looked_at_gpus=gpus,
        notes=works_here(sys.platform),
    )


def memory() -> tuple[int, int]:
    """Bytes that this process may use at most, of the machine or of its container, and those now free."""
    seen = require("psutil", extra="all").virtual_memory()
    limit, used = memory_limit(Path("/sys/fs/cgroup"), _own_groups())
    if not limit:
        return seen.total, seen.available
    return min(seen.total, limit), min(seen.available, max(0, limit - used))


def choose_dtype(machine: Machine) -> Dtype:
    """The number format to train and answer in: bfloat16 where the machine multiplies it fast."""
    if machine.gpus:
        return "bfloat16" if all(gpu.bf16 for gpu in machine.gpus) else "float32"
    if machine.mps:
        return "float32"
    return "bfloat16" if any(flag in machine.instructions for flag in _FAST_BF16) else "float32"


def works_here(system: str) -> tuple[str, ...]:
    """What to do on an operating system (`sys.platform`) that tunewright does not run on."""
    if system.startswith(("win32", "cygwin")):
        return ("tunewright does not run on Windows itself: run it in WSL (`wsl --install`)",)
    if not system.startswith(("linux", "darwin")):
        return (f"tunewright is not tried on {system}: use Linux or macOS",)
    return ()


def usable_threads() -> int:
    """CPU threads that this process may use, as affinity and container allow."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    quota = cpu_quota(Path("/sys/fs/cgroup"), _own_groups())
    return max(1, min(allowed, int(quota))) if quota else allowed


def cpu_quota(root: Path, groups: Sequence[str] = ()) -> float:
    """Cores that the control groups below `root` grant, the least of them; 0 where none is set."""
    found = [quota for folder in _chain(root, groups) if (quota := _quota_v2(folder / "cpu.max"))]
    old = root / "cpu"
    limit, period = _number(old / "cpu.cfs_quota_us"), _number(old / "cpu.cfs_period_us")
    if limit > 0 and period > 0:
        found.append(limit / period)
    return min(found, default=0.0)


def memory_limit(root: Path, groups: Sequence[str] = ()) -> tuple[int, int]:
    """Memory that the control groups below `root` grant and what of it is used; 0, 0 where none is set.

    Pages that only cache files are not counted as used: they are given back when memory is short.
    """
    places = [(f / "memory.max", f / "memory.current", f / "memory.stat") for f in _chain(root, groups)]
    old = root / "memory"
    places.append(
        (old / "memory.limit_in_bytes", old / "memory.usage_in_bytes", old / "memory.stat"),
    )
    found = [
        (limit, max(0, _number(used) - _cached(stat)))
        for path, used, stat in places
        if 0 < (limit := _number(path)) < _UNLIMITED
    ]
    return min(found, default=(0, 0), key=lambda pair: pair[0] - pair[1])


def _own_groups() -> list[str]:
    """This process's control group in version 2 of the interface, without the leading slash."""
    lines = _text(Path("/proc/self/cgroup")).splitlines()
    return [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]


def _chain(root: Path, groups: Sequence[str]) -> list[Path]:
    """`root` and every folder from it down to the group: a limit anywhere above holds too."""
    folders = [root]
    for group in groups:
        for part in Path(group).parts:
            folders.append(folders[-1] / part)
    return folders


def _quota_v2(path: Path) -> float:
    parts = _text(path).split()
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return 0.0
    return int(parts[0]) / int(parts[1])


def _cached(stat: Path) -> int:
    found = re.search(r"^(?:total_)?inactive_file (\d+)$", _text(stat), flags=re.MULTILINE)
    return int(found[1]) if found else 0


def _number(path: Path) -> int:
    text = _text(path).strip()
    return int(text) if text.removeprefix("-").isdigit() else 0


def _text(path: Path) -> str:
    """Content of a small file of the kernel, empty where there is none."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _cpu_name() -> str:
    found = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), flags=re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _instructions() -> tuple[str, ...]:
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _text(Path("/proc/cpuinfo")), flags=re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    return tuple(flag for flag in _INSTRUCTIONS if flag in flags)


def _accelerators() -> tuple[tuple[Gpu, ...], bool]:
    """Cards that torch sees, and whether it sees Apple's."""
    if find_spec("torch") is None:
        return (), False
    torch = require("torch", extra="train")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    properties = [torch.cuda.get_device_properties(place) for place in range(count)]
    cards = tuple(
        Gpu(name=card.name, memory_bytes=card.total_memory, bf16=card.major >= 8) for card in properties
    )
    return cards, bool(torch.backends.mps.is_available())
