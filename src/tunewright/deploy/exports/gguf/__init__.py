"""One GGUF file that llama.cpp answers from: weights, tokenizer, template and stop tokens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy import gguf as layout
from tunewright.deploy.exports.merged import Merged
from tunewright.deploy.exports.words import WORDS, refuse_apart
from tunewright.deploy.gguf import native
from tunewright.deploy.gguf.words import check as check_words
from tunewright.deploy.ports import FLOAT16, FLOAT32, Made
from tunewright.runtime.lazy import require
from tunewright.runtime.models import gguf
from tunewright.runtime.models.files import CONFIG, weight_files
from tunewright.runtime.settings import Settings

_SHARE: dict[layout.Type, float] = {"f32": 1.0, "f16": 0.5, "q8_0": 0.3, "q4_k_m": 0.25}
"""Size of the file by that of the weights in float32, with room to spare."""
ROUNDING = {"f32": FLOAT32, "f16": FLOAT16}


@dataclass(frozen=True, kw_only=True)
class Gguf:
    """A whole model as one file for llama.cpp and everything that is built on it."""

    merges: ClassVar[bool] = True
    engine: ClassVar[str] = "llamacpp"

    type: layout.Type = "f16"
    """Number format of the weights: `f16` and `f32` answer with the trained model's tokens; `q8_0` is half
    of `f16` and `q4_k_m` about a third, and what they lose is measured."""

    @property
    def rounding(self) -> float | None:
        """That of the number format; types of few bits are measured."""
        return ROUNDING.get(self.type)

    def refuses(self, made: Made) -> Iterator[Problem]:
        """Adapters that cannot be merged; models and tokenizers that llama.cpp reads in another way."""
        yield from native.missing()
        yield from refuse_apart(made)
        if self.type == "q4_k_m" and native.quantiser() is None:
            yield native.refused()
        if made.base is not None:
            yield from layout.check(made.config, str(made.base / CONFIG))
            yield from check_words(made.base)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write `model.gguf` into `folder`, tokenizer and frozen template beside it."""
        require("gguf", extra="llamacpp")
        merged = folder / ".merged"
        merged.mkdir()
        Merged().pack(checkpoint, merged, settings)
        carry(merged, folder, self.type)
        shutil.rmtree(merged)


def carry(model: Path, folder: Path, kind: layout.Type) -> None:
    """Write the model that lies in `model` as `folder/model.gguf`, and its words beside it."""
    for name in WORDS:
        if (model / name).exists():
            shutil.copyfile(model / name, folder / name)
    _check_room(model, folder, kind)
    write = require("tunewright.deploy.gguf.write", extra="llamacpp").write
    write(model, folder, folder / gguf.MODEL, kind)


def _check_room(model: Path, folder: Path, kind: layout.Type) -> None:
    stored = sum(path.stat().st_size for path in weight_files(model))
    needed, free = stored * _SHARE[kind], shutil.disk_usage(folder).free
    if needed > free:
        raise DeployError(
            f"the GGUF file needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            where=str(folder),
            fix="free space and run again; the checkpoint is kept",
        )
