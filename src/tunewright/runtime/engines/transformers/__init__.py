"""The `transformers` engine: answers in batches with a local model, on a CPU or a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tunewright.core.types import Checkpoint
from tunewright.runtime.engine import Engine, needed
from tunewright.runtime.lazy import require
from tunewright.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Transformers:
    """Answers with torch and transformers; requests that wait at the same time share batches."""

    batch: int = 128
    """Most answers in one batch."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the machine computes in it."""
    threads: int | None = None
    """CPU threads; those of the settings unless given."""
    merge: bool = True
    """Add the adapter to the base weights at loading: the same answers, twice as fast."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> Engine:
        """Load weights, adapter, tokenizer and template; raises `EngineError` or `ModelError`."""
        checkpoint = needed(checkpoint, "transformers")
        require("torch", extra="train")
        require("transformers", extra="train")
        heavy = require(f"{__name__}.engine", extra="train")
        engine: Engine = heavy.open_engine(self, checkpoint, settings)
        return engine
