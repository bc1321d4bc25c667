"""What this computer has, also when it is a slice of a bigger one."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tunewright.runtime.hardware import (
    Gpu,
    Machine,
    choose_dtype,
    cpu_quota,
    look,
    memory_limit,
    works_here,
)

GB = 1 << 30


def machine(**known: object) -> Machine:
    plain = {
        "os": "Linux",
        "python": "3.11",
        "cpu": "x",
        "cores": 2,
        "threads": 2,
        "memory_bytes": GB,
        "memory_free_bytes": GB,
        "disk_free_bytes": GB,
    }
    return Machine.model_validate(plain | known)


def test_it_sees_this_computer(tmp_path: Path) -> None:
    seen = look(tmp_path)
    assert 1 <= seen.threads <= seen.cores
    assert 0 < seen.memory_free_bytes <= seen.memory_bytes <= psutil.virtual_memory().total
    assert seen.disk_free_bytes > 0
    assert seen.cpu
    assert seen.accelerator == "cpu"
    assert not seen.looked_at_gpus


def test_looking_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tunewright.runtime.hardware import look; look();"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("known", "dtype"),
    [
        ({"instructions": ("avx2",)}, "float32"),
        ({"instructions": ("avx2", "avx512f")}, "float32"),
        ({"instructions": ("avx2", "avx512_bf16")}, "bfloat16"),
        ({"instructions": ("asimd", "bf16")}, "bfloat16"),
        ({"mps": True}, "float32"),
        ({"gpus": (Gpu(name="new", memory_bytes=GB, bf16=True),)}, "bfloat16"),
        ({"gpus": (Gpu(name="old", memory_bytes=GB, bf16=False),)}, "float32"),
    ],
)
def test_numbers_are_short_only_where_the_machine_is_fast_with_them(
    known: dict[str, object], dtype: str
) -> None:
    assert choose_dtype(machine(**known)) == dtype


def test_a_container_grants_the_least_of_the_limits_above_it(tmp_path: Path) -> None:
    inner = tmp_path / "slice" / "job"
    inner.mkdir(parents=True)
    (tmp_path / "slice" / "cpu.max").write_text("150000 100000\n")
    (inner / "cpu.max").write_text("max 100000\n")
    (tmp_path / "slice" / "memory.max").write_text(f"{4 * GB}\n")
    (tmp_path / "slice" / "memory.current").write_text(f"{3 * GB}\n")
    (tmp_path / "slice" / "memory.stat").write_text(f"anon 1\ninactive_file {GB}\n")
    (inner / "memory.max").write_text("max\n")
    assert cpu_quota(tmp_path, ["slice/job"]) == 1.5
    assert memory_limit(tmp_path, ["slice/job"]) == (4 * GB, 2 * GB)


def test_the_older_interface_of_control_groups_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("200000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{GB}\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("5\n")
    assert cpu_quota(tmp_path) == 2.0
    assert memory_limit(tmp_path) == (GB, 5)


def test_no_limit_is_no_limit(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert cpu_quota(tmp_path) == 0
    assert memory_limit(tmp_path) == (0, 0)
    assert memory_limit(tmp_path / "absent", ["x"]) == (0, 0)


def test_windows_is_told_about_wsl() -> None:
    assert "WSL" in works_here("win32")[0]
    assert works_here("linux") == works_here("darwin") == ()
