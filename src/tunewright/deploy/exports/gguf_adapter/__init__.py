"""A LoRA adapter as GGUF, its base as GGUF beside it: one base file can carry many adapters."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy import gguf as layout
from tunewright.deploy.exports.words import copy_words, refuse_damaged
from tunewright.deploy.gguf import native
from tunewright.deploy.gguf.words import check as check_words
from tunewright.deploy.ports import FLOAT16, FLOAT32, Made
from tunewright.runtime import adapters, models
from tunewright.runtime.lazy import require
from tunewright.runtime.models import gguf
from tunewright.runtime.models.files import CONFIG, read_object
from tunewright.runtime.settings import Settings

_CARRIED = ("lora", "qlora", "")
_MERGE = "set `deploy.export: gguf`, which merges it into the base"
_APART = "set `deploy.export: adapter`, which the engine `transformers` serves"
_REASONS = {
    "dora": ("llama.cpp adds low-rank changes to weights and knows no lengths beside them", _MERGE),
    "ia3": ("llama.cpp adds low-rank changes to weights and scales no activations", _MERGE),
    "bottleneck": ("llama.cpp knows no layers of an adapter's own", _APART),
    "prefix": ("llama.cpp knows no learned keys and values", _APART),
    "prompt": ("llama.cpp knows no learned embeddings before a text", _APART),
}


@dataclass(frozen=True, kw_only=True)
class GgufAdapter:
    """The adapter as `adapter.gguf` and its base as `base.gguf`, for llama.cpp's `--lora`."""

    merges: ClassVar[bool] = False
    engine: ClassVar[str] = "llamacpp"

    type: Literal["f16", "f32"] = "f16"
    """Number format of the base; the adapter itself stays in f32."""

    @property
    def rounding(self) -> float:
        """That of the base's number format."""
        return FLOAT32 if self.type == "f32" else FLOAT16

    def refuses(self, made: Made) -> Iterator[Problem]:
        """Everything but a low-rank change of layers that llama.cpp has."""
        yield from native.missing()
        if made.whole:
            what = "every weight was tuned, and there is no adapter to pack"
            yield Problem(where="deploy.export", what=what, fix="set `deploy.export: gguf`")
        elif (kind := made.kind.removesuffix("_tuning")) not in _CARRIED:
            why, fix = _REASONS.get(
                kind, ("llama.cpp knows low-rank changes of weights and nothing else", _MERGE)
            )
            what = f"an adapter of `{made.kind}` cannot be a GGUF file: {why}"
            yield Problem(where="deploy.export", what=what, fix=fix)
        if made.saved:
            listing = ", ".join(f"`{one}`" for one in made.saved)
            what = f"the adapter keeps whole modules ({listing}), which no GGUF adapter can"
            yield Problem(where="deploy.export", what=what, fix=_MERGE)
        if made.base is not None:
            yield from layout.check(made.config, str(made.base / CONFIG))
            yield from check_words(made.base)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write both files into `folder`, tokenizer and frozen template beside them."""
        require("gguf", extra="llamacpp")
        refuse_damaged(checkpoint.path, "put beside the base")
        base = models.weights_of(checkpoint, settings)
        copy_words(checkpoint, base, folder)
        write = require("tunewright.deploy.gguf.write", extra="llamacpp").write
        adapter = require("tunewright.deploy.gguf.adapter", extra="llamacpp").write
        adapter(checkpoint.path, read_object(base / CONFIG), folder / gguf.ADAPTER)
        if not (checkpoint.path / adapters.ROUNDING).exists():
            write(base, folder, folder / gguf.BASE, self.type)
            return
        rounded = folder / ".rounded"
        rounded.mkdir()
        require(f"{__name__}.rounded", extra="train").write(base, checkpoint.path, rounded)
        write(rounded, folder, folder / gguf.BASE, self.type)
        shutil.rmtree(rounded)
