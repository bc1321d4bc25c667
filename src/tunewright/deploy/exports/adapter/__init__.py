"""The adapter alone: its files, tokenizer and template; the base model is fetched where it is served."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy.exports.words import copy_words, refuse_damaged
from tunewright.deploy.ports import FLOAT32, Made
from tunewright.runtime import adapters, models
from tunewright.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The adapter without its base, for kinds that cannot be merged and for small downloads."""

    merges: ClassVar[bool] = False
    engine: ClassVar[str] = "transformers"

    @property
    def rounding(self) -> float:
        """That of float32."""
        return FLOAT32

    def refuses(self, made: Made) -> Iterator[Problem]:
        """A model that was tuned whole."""
        if made.whole:
            named = f"`{made.kind}` makes" if made.kind else "this is"
            what = f"{named} a whole model, and there is no adapter to pack"
            yield Problem(
                where="deploy.export", what=what, fix="leave `deploy.export` out, or set it to `merged`"
            )

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Copy the adapter into `folder`, tokenizer and frozen template beside it."""
        refuse_damaged(checkpoint.path, "put beside the base")
        base = models.weights_of(checkpoint, settings)
        for name in adapters.FILES:
            if (checkpoint.path / name).exists():
                shutil.copyfile(checkpoint.path / name, folder / name)
        copy_words(checkpoint, base, folder)
