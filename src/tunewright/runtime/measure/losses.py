"""The losses of a training run, as they lie beside a checkpoint and beside its report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.runtime.workspace import atomic_write

LOSSES = "losses.jsonl"


@dataclass(frozen=True)
class Losses:
    """Training and validation loss, each as (step, loss) in order."""

    training: tuple[tuple[int, float], ...] = ()
    validation: tuple[tuple[int, float], ...] = ()
    epochs: float | None = None
    """How often every training example was to be seen, where it is known."""

    @property
    def still_falling(self) -> bool:
        """True if the last validation loss is the lowest and clearly below the one before."""
        if len(self.validation) < 2:
            return False
        *before, last = [loss for _, loss in self.validation]
        return last < 0.99 * min(before)


def read_losses(folder: Path) -> Losses:
    """The losses that lie in a folder, beside a checkpoint or beside its report; none if there are none."""
    training, validation = [], []
    epochs = None
    for entry in _entries(folder / LOSSES):
        epochs = entry.get("epochs", epochs)
        step = int(entry.get("step", 0))
        if entry.get("loss") is not None:
            training.append((step, float(entry["loss"])))
        if entry.get("validation_loss") is not None:
            validation.append((step, float(entry["validation_loss"])))
    return Losses(tuple(training), tuple(validation), epochs)


def write_losses(folder: Path, losses: Losses) -> None:
    """Write `losses.jsonl`: `epochs` once, then `step` with `loss` or `validation_loss`, a line each."""
    lines: list[dict[str, float]] = [] if losses.epochs is None else [{"epochs": losses.epochs}]
    lines += [{"step": step, "loss": loss} for step, loss in losses.training]
    lines += [{"step": step, "validation_loss": loss} for step, loss in losses.validation]
    atomic_write(folder / LOSSES, "".join(json.dumps(line) + "\n" for line in lines).encode())


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            yield entry
