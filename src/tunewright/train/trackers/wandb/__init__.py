"""Weights & Biases, offline unless asked otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Literal

from tunewright.runtime import settings
from tunewright.runtime.context import Context
from tunewright.runtime.lazy import require
from tunewright.train.ports import Curve


@dataclass(frozen=True, kw_only=True)
class WandB:
    """Mirror the curves to `.tunewright/wandb`; `wandb sync` sends a folder of it when you decide to."""

    project: str = "tunewright"
    """Name of the project there."""
    mode: Literal["offline", "online"] = "offline"
    """`online` sends curves and settings, and no data, with the key that `wandb login` keeps."""

    def log(self, context: Context, settings_of_run: Mapping[str, str], curve: Curve) -> None:
        """Write a finished run as one of its own."""
        settings.quiet()
        wandb = require("wandb", extra="wandb")
        still = wandb.Settings(
            silent=True, console="off", save_code=False, disable_git=True, x_disable_stats=True
        )
        with wandb.init(
            project=self.project,
            name=context.artifact_id,
            mode=self.mode,
            dir=str(context.workspace.root),
            config=dict(settings_of_run),
            settings=still,
        ) as run:
            points = sorted(curve.points(), key=itemgetter(2))
            for step, some in groupby(points, key=itemgetter(2)):
                run.log({name: value for name, value, _ in some}, step=step)
