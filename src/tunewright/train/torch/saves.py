"""Checkpoints of a run under way: whole or absent, checked by digest, the last two kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save
from torch import Tensor

from tunewright.core import digest
from tunewright.core.errors import TrainError
from tunewright.core.types import Frozen
from tunewright.runtime.workspace import appearing, writable
from tunewright.train.ports import Curve, Plan

KEEP = 2
TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"


class Progress(Frozen):
    """Where a run stands, beside its tensors."""

    step: int = 0
    """Steps done, which is the sampler's position too."""
    curve: Curve = Curve()
    bad_looks: int = 0
    """Looks at the validation loss since the best one."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint as it was read."""

    progress: Progress
    tensors: dict[str, Tensor]


def write(folder: Path, progress: Progress, tensors: dict[str, Tensor], plan: Plan) -> None:
    """Write a checkpoint beside the others and then drop the oldest; a full disk leaves those intact."""
    files = {TENSORS: save(tensors), STATE: progress.model_dump_json().encode()}
    listing = {"plan": digest.of_value(plan.model_dump(mode="json"))}
    manifest = {**listing, "files": {name: digest.of_bytes(data) for name, data in files.items()}}
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for half_written in folder.glob(".step-*.tmp"):  # by a process that was killed
            shutil.rmtree(half_written)
        with appearing(folder / f"step-{progress.step:08d}") as temporary:
            temporary.mkdir()
            for name, data in {**files, MANIFEST: json.dumps(manifest).encode()}.items():
                (temporary / name).write_bytes(data)
    for old in _found(folder)[:-KEEP]:
        shutil.rmtree(old)


def read_last(folder: Path, plan: Plan) -> Saved | None:
    """The newest checkpoint that is whole and of this plan, or None."""
    for place in reversed(_found(folder)):
        saved = _read(place, plan)
        if saved is not None:
            return saved
    return None


def _found(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*")) if folder.exists() else []


def _read(place: Path, plan: Plan) -> Saved | None:
    try:
        manifest = json.loads((place / MANIFEST).read_bytes())
        files = {name: (place / name).read_bytes() for name in (TENSORS, STATE)}
    except (OSError, ValueError):
        return None
    if manifest["plan"] != digest.of_value(plan.model_dump(mode="json")):
        return None
    if any(manifest["files"].get(name) != digest.of_bytes(data) for name, data in files.items()):
        return None
    return Saved(Progress.model_validate_json(files[STATE]), load(files[TENSORS]))


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
