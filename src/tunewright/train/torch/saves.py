"""Checkpoints of a run under way: whole or absent, checked by digest, the newest and the best kept."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tunewright.core import digest
from tunewright.core.errors import TrainError
from tunewright.core.types import Frozen, Problem
from tunewright.runtime.workspace import appearing, writable
from tunewright.train.ports import Curve, Plan

TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


class Progress(Frozen):
    """Where a run stands, beside its tensors."""

    step: int = 0
    """Steps done, which is the sampler's position too."""
    curve: Curve = Curve()
    tokens: int = 0
    """Computed at once; less than the run began with where memory did not suffice."""
    threads: int = 1
    bad_looks: int = 0
    """Looks at the validation loss since the best one."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint as it was read."""

    progress: Progress
    tensors: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Keep:
    """How many checkpoints stay on the disk."""

    newest: int = 2
    best: int = 1
    """Of those at which the validation loss was lowest."""


def write(
    folder: Path, progress: Progress, tensors: dict[str, Tensor], plan: Plan, keep: Keep | None = None
) -> None:
    """Write a checkpoint beside the others, then drop those not to keep; a full disk leaves all intact."""
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for half_written in folder.glob(".step-*.tmp"):  # by a process that was killed
            shutil.rmtree(half_written)
        with appearing(folder / f"step-{progress.step:08d}") as temporary:
            temporary.mkdir()
            _write_tensors(tensors, temporary / TENSORS)
            (temporary / STATE).write_text(progress.model_dump_json(), encoding="utf-8")
            files = {name: digest.of_file(temporary / name) for name in (TENSORS, STATE)}
            manifest = {"plan": _digest(plan), "files": files}
            (temporary / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    for old in _to_drop(_found(folder), progress.curve, keep or Keep()):
        shutil.rmtree(old.rename(folder / f".{old.name}.tmp"))  # so that none is ever half there


def _write_tensors(tensors: dict[str, Tensor], path: Path) -> None:
    """Straight to the disk, without a copy in memory; raises `OSError` with the number of the failure."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:  # the library keeps the number in its text alone
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(path)) from error


def _to_drop(found: list[Path], curve: Curve, keep: Keep) -> list[Path]:
    """Those that are neither among the newest nor among the best."""
    losses = {f"step-{look.step:08d}": look.loss for look in curve.validation}
    looked = sorted((place for place in found if place.name in losses), key=lambda place: losses[place.name])
    kept = {*found[-keep.newest :], *looked[: keep.best]}
    return [place for place in found if place not in kept]


def read_last(folder: Path, plan: Plan, warn: Callable[[str], None]) -> Saved | None:
    """The newest checkpoint that is whole, or None where there is none of this plan to go on from.

    What is passed over is told by name to `warn`, and a damaged one is moved aside. Raises `TrainError`
    with every damaged file by name if there are checkpoints and none is whole.
    """
    damaged = dict[Path, list[Problem]]()
    for place in reversed(_found(folder)):
        problems = list(_damage(place))
        if not problems:
            for passed_over, why in damaged.items():
                aside = passed_over.replace(folder / f"damaged-{passed_over.name}")
                warn(f"{_told(why)}; going on from the one before it, `{place.name}`; it lies in {aside}")
            return _read(place, plan, warn)
        damaged[place] = problems
    if damaged:
        raise TrainError(problems=[problem for why in damaged.values() for problem in why])
    return None


def _found(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.exists() else []


def _damage(place: Path) -> Iterator[Problem]:
    """Each file of a checkpoint that is missing or not as it was written."""
    fix = (
        f"bring the file back; or delete the folder `{place.parent}`, and `tunewright resume` trains "
        "from the beginning"
    )
    try:
        files = json.loads((place / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        how = "damaged" if (place / MANIFEST).exists() else "missing"
        yield Problem(where=str(place / MANIFEST), what=f"this file of a checkpoint is {how}", fix=fix)
        return
    for name in (TENSORS, STATE):
        path = place / name
        if not path.is_file():
            yield Problem(where=str(path), what="this file of a checkpoint is missing", fix=fix)
        elif digest.of_file(path) != files.get(name):
            what = "this file of a checkpoint is damaged: it is not what was written"
            yield Problem(where=str(path), what=what, fix=fix)


def _told(why: list[Problem]) -> str:
    return "; ".join(f"{problem.where}: {problem.what}" for problem in why)


def _read(place: Path, plan: Plan, warn: Callable[[str], None]) -> Saved | None:
    if json.loads((place / MANIFEST).read_bytes())["plan"] != _digest(plan):
        warn(f"{place} was saved on another plan (data, settings or versions differ): training begins anew")
        return None
    progress = Progress.model_validate_json((place / STATE).read_bytes())
    return Saved(progress, load_file(place / TENSORS))


def _digest(plan: Plan) -> str:
    return digest.of_value(plan.model_dump(mode="json"))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's memory as flat tensors."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{place}.{name}": value for place, slots in state.items() for name, value in slots.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put the optimizer's memory back; raises `TrainError` if it is not that of these weights."""
    state = optimizer.state_dict()
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, place, name = key.split(".")
            slots.setdefault(int(place), {})[name] = value
    if slots and len(slots) != len(state["param_groups"][0]["params"]):
        raise TrainError("the checkpoint belongs to another adapter", fix="run again with `--again`")
    optimizer.load_state_dict({**state, "state": slots})
