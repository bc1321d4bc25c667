"""The adapter merged into its base: one folder of safetensors that needs no adapter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy.exports.words import copy_words, refuse_apart, refuse_damaged
from tunewright.deploy.ports import FLOAT32, Made
from tunewright.runtime import adapters, models
from tunewright.runtime.lazy import require
from tunewright.runtime.settings import Settings

Dtype = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Base and adapter in one folder; of a model that was tuned whole, its own weights."""

    dtype: Dtype = "float32"
    """Number format of the weights; what those of 16 bits lose is measured."""

    merges: ClassVar[bool] = True
    engine: ClassVar[str] = "transformers"

    @property
    def rounding(self) -> float | None:
        """That of float32; the others are measured."""
        return FLOAT32 if self.dtype == "float32" else None

    def refuses(self, made: Made) -> Iterator[Problem]:
        """What cannot be added to the base's weights."""
        yield from refuse_apart(made)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Merge into `folder`, tokenizer and frozen template beside it."""
        adapter = None if checkpoint.tuner and models.whole(checkpoint) else checkpoint.path
        if adapter is not None:
            refuse_damaged(adapter, "merge")
            _refuse_apart(adapter)
        base = models.weights_of(checkpoint, settings)
        _check_room(checkpoint, folder)
        require("peft", extra="train")
        merge = require("tunewright.deploy.exports.merged.merge", extra="train")
        merge.merge(base, adapter, folder, self.dtype)
        copy_words(checkpoint, base, folder)


def _refuse_apart(adapter: Path) -> None:
    problems = tuple(refuse_apart(Made(apart=adapters.apart(adapter))))
    if problems:
        raise DeployError(problems=problems)


def _check_room(checkpoint: Checkpoint, folder: Path) -> None:
    needed, free = checkpoint.base.parameters * 4, shutil.disk_usage(folder).free
    if needed > free:
        raise DeployError(
            f"the merged model needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            where=str(folder),
            fix="free space and run again; the checkpoint is kept",
        )
