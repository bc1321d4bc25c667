"""The adapter alone: its files, tokenizer and template; the base model is fetched where it is served."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.core.types import Checkpoint
from tunewright.deploy.exports.words import copy_words, refuse_damaged
from tunewright.runtime import adapters, models
from tunewright.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The adapter without its base, for kinds that cannot be merged and for small downloads."""

    merges: ClassVar[bool] = False

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Copy the adapter into `folder`, tokenizer and frozen template beside it."""
        refuse_damaged(checkpoint.path, "put beside the base")
        base = models.weights_of(checkpoint, settings)
        for name in adapters.FILES:
            if (checkpoint.path / name).exists():
                shutil.copyfile(checkpoint.path / name, folder / name)
        copy_words(checkpoint, base, folder)
