"""A run survives being killed, a full disk and damaged checkpoints; nothing is lost in silence."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tunewright import train
from tunewright.core.errors import TrainError, WorkspaceError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.plugins import Named
from tunewright.train.ports import SAVES, Curve, Look, Plan
from tunewright.train.torch import saves
from tunewright.train.torch.saves import Keep, Progress

from .conftest import PLAN, SPEC, make_context, make_dataset
from .test_methods import pairs
from .test_run import curve_of

CHILD = """
import sys
from pathlib import Path
from tests.train.conftest import make_context
from tunewright import train
from tunewright.core.types import Checkpoint, Dataset, Task
from tunewright.train import TrainSpec
folder, spec, base, dataset, task = sys.argv[1:]
train.run(
    make_context(Path(folder)),
    TrainSpec.model_validate_json(spec),
    Checkpoint.model_validate_json(base),
    Dataset.model_validate_json(dataset),
    Task.model_validate_json(task),
)
"""


@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_a_killed_run_gives_the_same_losses_when_it_goes_on(
    method: str, base: Checkpoint, task: Task, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"method": Named(name=method), "epochs": 15, "patience": 0})
    dataset = make_dataset(tmp_path / "data", pairs(24), pairs(6, 100))
    inputs = [item.model_dump_json() for item in (spec, base, dataset, task)]
    command = [sys.executable, "-c", CHILD, str(tmp_path / "cut"), *inputs]
    saved = tmp_path / "cut" / "partial.scratch" / SAVES
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
        while len(list(saved.glob("step-*"))) < 2 and child.poll() is None:
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
    assert saved.exists(), "the child was killed while it trained"
    events: list[Event] = []
    rest = train.run(make_context(tmp_path / "cut", events), spec, base, dataset, task)
    assert not any("before training, to compare with" in event.message for event in events)
    whole = train.run(make_context(tmp_path / "whole"), spec, base, dataset, task)
    assert curve_of(rest).losses == curve_of(whole).losses
    assert curve_of(rest).tokens == curve_of(whole).tokens


WEIGHTS = {"weight.a": torch.ones(3)}


def save(folder: Path, *steps: int, looks: Sequence[float] = (), keep: Keep | None = None) -> None:
    """Checkpoints at these steps; the first of them with a look each, of these losses."""
    for count, step in enumerate(steps, start=1):
        seen = zip(steps, looks[:count], strict=False)
        curve = Curve(validation=tuple(Look(step=at, loss=loss, exact=0) for at, loss in seen))
        saves.write(folder, Progress(step=step, curve=curve), WEIGHTS, PLAN, keep)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def read(folder: Path, warnings: list[str] | None = None, plan: Plan = PLAN) -> int | None:
    found = saves.read_last(folder, plan, [].append if warnings is None else warnings.append)
    return found.progress.step if found else None


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """As if the disk were full behind that many bytes of a file."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    asked = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
        signal.signal(signal.SIGXFSZ, asked)


@pytest.mark.parametrize("large", ["tensors", "state"])
def test_a_disk_that_is_full_in_the_middle_of_a_save_leaves_the_checkpoint_before_it(
    large: str, tmp_path: Path
) -> None:
    save(tmp_path, 3)
    weights = {"weight.a": torch.ones(3_000 if large == "tensors" else 3)}
    curve = Curve(losses=(0.25,) * (3_000 if large == "state" else 3))
    for size in (0, 1, 7, 100, 500, 1_000, 4_095, 4_097, 12_000):
        with room_for(size), pytest.raises(WorkspaceError, match="cannot write") as caught:
            saves.write(tmp_path, Progress(step=6, curve=curve), weights, PLAN)
        assert "free space" in caught.value.problems[0].fix
        assert names(tmp_path) == ["step-00000003"]
    assert read(tmp_path) == 3
    with room_for(20_000):
        saves.write(tmp_path, Progress(step=6, curve=curve), weights, PLAN)
    assert read(tmp_path) == 6


@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_damaged_newest_checkpoint_is_told_by_file_and_the_one_before_it_is_used(
    tmp_path: Path, name: str, damage: str
) -> None:
    save(tmp_path, 3, 6)
    harm(tmp_path / "step-00000006" / name, damage)
    warnings: list[str] = []
    assert read(tmp_path, warnings) == 3
    assert len(warnings) == 1 and f"step-00000006/{name}" in warnings[0]
    assert ("missing" if damage == "missing" else "damaged") in warnings[0]
    assert names(tmp_path) == ["damaged-step-00000006", "step-00000003"]


def harm(path: Path, damage: str) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-3] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    if damage == "missing":
        path.unlink()


def test_where_no_checkpoint_is_whole_every_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    save(tmp_path, 3, 6)
    harm(tmp_path / "step-00000003" / "state.json", "missing")
    harm(tmp_path / "step-00000006" / "tensors.safetensors", "changed")
    with pytest.raises(TrainError) as caught:
        read(tmp_path)
    told = {Path(problem.where).name: problem for problem in caught.value.problems}
    assert set(told) == {"state.json", "tensors.safetensors"}
    assert all("from the beginning" in problem.fix for problem in told.values())
    assert names(tmp_path) == ["step-00000003", "step-00000006"]


def test_a_run_whose_checkpoints_are_all_damaged_does_not_begin_again_unasked(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    context = make_context(tmp_path)
    train.run(context, SPEC, base, dataset, task)
    for path in (context.scratch / SAVES).glob("step-*/state.json"):
        path.unlink()
    with pytest.raises(TrainError, match=r"missing"):
        train.run(context, SPEC, base, dataset, task)


def test_a_checkpoint_of_another_plan_is_not_gone_on_with_and_that_is_told(tmp_path: Path) -> None:
    save(tmp_path, 3)
    warnings: list[str] = []
    assert read(tmp_path, warnings, PLAN.model_copy(update={"seed": 1})) is None
    assert "another plan" in warnings[0]


def test_the_newest_are_kept_and_the_best_beside_them(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3, 4, 5, looks=(3.0, 1.0, 2.0, 2.5, 2.6))
    assert names(tmp_path) == ["step-00000002", "step-00000004", "step-00000005"]
    save(tmp_path, 6, keep=Keep(newest=1, best=0))
    assert names(tmp_path) == ["step-00000006"]


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
