"""The `llamacpp` engine: answers from a GGUF file by llama.cpp, in a child process, on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint, Problem
from tunewright.runtime.engine import MANNER, Engine, needed
from tunewright.runtime.lazy import require
from tunewright.runtime.models import gguf
from tunewright.runtime.settings import Settings

EXTRA = "llamacpp"


@dataclass(frozen=True, kw_only=True)
class LlamaCpp:
    """Answers with llama.cpp from `model.gguf`, or from `base.gguf` with `adapter.gguf` on it."""

    slots: int = field(default=4, metadata=MANNER)
    """Answers that are under way at the same time."""
    context: int | None = None
    """Tokens of one conversation with its answer; the model's own, 4,096 at most, unless given."""
    threads: int | None = field(default=None, metadata=MANNER)
    """CPU threads; those of the settings unless given."""
    cache: Literal["f16", "f32"] = "f16"
    """Number format of the keys and values that are kept."""
    stream: bool = field(default=True, metadata=MANNER)
    """Give answers in pieces as they come; whole ones have every token id, also those of half a character."""
    timeout: float = field(default=300.0, metadata=MANNER)
    """Seconds to wait for the next piece of an answer."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> Engine:
        """Start llama.cpp on the checkpoint's GGUF files; raises `EngineError` or `ModelError`."""
        checkpoint = needed(checkpoint, "llamacpp")
        problems = tuple(check(checkpoint.path))
        if problems:
            raise EngineError(problems=problems)
        require("xllamacpp", extra=EXTRA)
        heavy = require(f"{__name__}.engine", extra=EXTRA)
        engine: Engine = heavy.open_engine(self, checkpoint, settings)
        return engine


def check(folder: Path) -> Iterator[Problem]:
    """What keeps llama.cpp from answering out of this folder."""
    found = files(folder)
    if not found:
        yield Problem(
            where=str(folder),
            what="llama.cpp answers from a GGUF file, and there is none here",
            fix="set `deploy.export: gguf`, or take the engine `transformers`",
        )
    for path in found:
        yield from gguf.check(path)


def files(folder: Path) -> tuple[Path, ...]:
    """The model's file, or those of a base and of what is put on it."""
    if (folder / gguf.MODEL).exists():
        return (folder / gguf.MODEL,)
    if (folder / gguf.ADAPTER).exists():
        return (folder / gguf.BASE, folder / gguf.ADAPTER)
    return ()
