"""The `vllm` engine: answers by vLLM, on a GPU: a child process, or where it runs already."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from tunewright.core.types import Checkpoint
from tunewright.runtime import settings as environment
from tunewright.runtime.engine import MANNER, Engine, needed
from tunewright.runtime.lazy import require
from tunewright.runtime.settings import Settings

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Vllm:
    """Answers with vLLM: a merged model, or a base with a LoRA adapter on it."""

    url: str | None = None
    """Address of a vLLM that runs already, such as `http://10.0.0.5:8000/v1`; else it is started here."""
    key: str | None = field(default=None, metadata=MANNER)
    """Name of the environment variable that holds the key of that address, never the key itself."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the weights and sums."""
    context: Annotated[int | None, Field(ge=1)] = None
    """Tokens of one conversation with its answer; the model's own unless given."""
    command: tuple[str, ...] = field(default=("vllm", "serve"), metadata=MANNER)
    """How vLLM is started."""
    options: tuple[str, ...] = ()
    """More words of its command line, such as `[--gpu-memory-utilization, "0.8"]`."""
    patience: Seconds = field(default=900.0, metadata=MANNER)
    """Seconds that it may take to start: it loads and compiles."""
    timeout: Seconds = field(default=300.0, metadata=MANNER)
    """Seconds to wait for an answer, or for its next piece."""
    parallel: Annotated[int, Field(ge=1)] = field(default=64, metadata=MANNER)
    """Most questions that are open at the same time."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> Engine:
        """Start vLLM on the checkpoint, or hand the adapter to the one that runs; raises `EngineError`."""
        checkpoint = needed(checkpoint, "vllm")
        key = environment.secret(self.key, where="engine vllm.key") if self.key is not None else None
        heavy = require(f"{__name__}.engine", extra="all")
        engine: Engine = heavy.open_engine(self, checkpoint, settings, key)
        return engine
