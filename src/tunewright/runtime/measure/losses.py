"""The losses of a training run, as they lie beside a checkpoint and beside its report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

LOSSES = "losses.jsonl"


@dataclass(frozen=True)
class Losses:
    """Training and validation loss, each as (step, loss) in order."""

    training: tuple[tuple[int, float], ...] = ()
    validation: tuple[tuple[int, float], ...] = ()

    @property
    def still_falling(self) -> bool:
        """True if the last validation loss is the lowest and clearly below the one before."""
        if len(self.validation) < 2:
            return False
        *before, last = [loss for _, loss in self.validation]
        return last < 0.99 * min(before)


def read_losses(folder: Path) -> Losses:
    """The losses that lie in a folder; none where there is no such file or no such line."""
    path = folder / LOSSES
    training, validation = [], []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        step = int(entry.get("step", 0))
        if entry.get("loss") is not None:
            training.append((step, float(entry["loss"])))
        if entry.get("validation_loss") is not None:
            validation.append((step, float(entry["validation_loss"])))
    return Losses(tuple(training), tuple(validation))
