"""A run survives being killed, and a full disk."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewright import train
from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Checkpoint, Dataset, Task
from tunewright.train.ports import Curve
from tunewright.train.torch import saves
from tunewright.train.torch.saves import Progress

from .conftest import PLAN, SPEC, make_context
from .test_run import curve_of

CHILD = """
import sys
from pathlib import Path
from tests.train.conftest import SPEC, make_context
from tunewright import train
from tunewright.core.types import Checkpoint, Dataset, Task
folder, base, dataset, task = sys.argv[1:]
train.run(
    make_context(Path(folder)),
    SPEC.model_copy(update={"epochs": 15, "patience": 0}),
    Checkpoint.model_validate_json(base),
    Dataset.model_validate_json(dataset),
    Task.model_validate_json(task),
)
"""


def test_a_killed_run_gives_the_same_losses_when_it_goes_on(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"epochs": 15, "patience": 0})
    inputs = [item.model_dump_json() for item in (base, dataset, task)]
    command = [sys.executable, "-c", CHILD, str(tmp_path / "cut"), *inputs]
    saved = tmp_path / "cut" / "partial" / "checkpoints"
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
        while len(list(saved.glob("step-*"))) < 2 and child.poll() is None:
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
    assert saved.exists(), "the child was killed while it trained"
    rest = train.run(make_context(tmp_path / "cut"), spec, base, dataset, task)
    whole = train.run(make_context(tmp_path / "whole"), spec, base, dataset, task)
    assert curve_of(rest).losses == curve_of(whole).losses
    assert curve_of(rest).tokens == curve_of(whole).tokens


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = {"weight.a": torch.ones(3)}
    saves.write(tmp_path, Progress(step=3), tensors, PLAN)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="No space left") as caught:
        saves.write(tmp_path, Progress(step=6), tensors, PLAN)
    assert "free space" in caught.value.problems[0].fix
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000003"]
    found = saves.read_last(tmp_path, PLAN)
    assert found is not None and found.progress.step == 3


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path, name: str) -> None:
    for step in (3, 6):
        saves.write(tmp_path, Progress(step=step), {"weight.a": torch.ones(3)}, PLAN)
    path = tmp_path / "step-00000006" / name
    path.write_bytes(path.read_bytes()[:-3])
    found = saves.read_last(tmp_path, PLAN)
    assert found is not None and found.progress.step == 3


def test_a_checkpoint_of_another_plan_is_not_gone_on_with(tmp_path: Path) -> None:
    saves.write(tmp_path, Progress(step=3), {"weight.a": torch.ones(3)}, PLAN)
    assert saves.read_last(tmp_path, PLAN.model_copy(update={"seed": 1})) is None


def test_only_the_last_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 3):
        saves.write(tmp_path, Progress(step=step, curve=Curve(losses=(1.0,))), {"a": torch.ones(1)}, PLAN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000003"]


def test_a_checkpoint_brings_back_the_optimizer(tmp_path: Path) -> None:
    def optimizer() -> tuple[Any, torch.optim.Optimizer]:
        weight = torch.nn.Parameter(torch.ones(2))
        return weight, torch.optim.AdamW([weight])

    weight, first = optimizer()
    weight.sum().backward()
    first.step()
    _, second = optimizer()
    saves.restore_optimizer(second, saves.optimizer_tensors(first))
    assert str(second.state_dict()) == str(first.state_dict())
