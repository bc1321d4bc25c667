"""TensorBoard, in event files inside the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewright.runtime.context import Context
from tunewright.runtime.lazy import require
from tunewright.train.ports import Curve


@dataclass(frozen=True, kw_only=True)
class TensorBoard:
    """Mirror the curves to `.tunewright/tensorboard`; look with `tensorboard --logdir` at that folder."""

    def log(self, context: Context, settings_of_run: Mapping[str, str], curve: Curve) -> None:
        """Write a finished run as event files, in a folder named after its checkpoint."""
        require("tensorboard", extra="tensorboard")
        board = require("torch.utils.tensorboard", extra="train")
        folder = context.workspace.root / "tensorboard" / context.artifact_id
        with board.SummaryWriter(str(folder)) as writer:
            for name, value, step in curve.points():
                writer.add_scalar(name, value, step)
            table = [
                "| setting | value |",
                "|---|---|",
                *(f"| {k} | {v} |" for k, v in settings_of_run.items()),
            ]
            writer.add_text("settings", "\n".join(table))
