"""The `openai` engine: any address that speaks OpenAI's chat completions, on this machine or another."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Literal

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint
from tunewright.runtime import settings as environment
from tunewright.runtime.engine import MANNER, Engine
from tunewright.runtime.lazy import require
from tunewright.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class OpenAI:
    """Asks an endpoint; nothing is sent anywhere but to `url`."""

    url: str = ""
    """Base address, such as `http://127.0.0.1:8001/v1`."""
    model: str = ""
    """Name of the model, as the endpoint lists it."""
    key: str | None = field(default=None, metadata=MANNER)
    """Name of the environment variable that holds the key, never the key itself."""
    timeout: float = field(default=120.0, metadata=MANNER)
    """Seconds to wait for an answer, or for its next piece."""
    retries: int = field(default=5, metadata=MANNER)
    """Times that a question is asked again where the endpoint is busy, broken or silent."""
    parallel: int = field(default=8, metadata=MANNER)
    """Most questions that are open at the same time."""
    stream: bool = field(default=False, metadata=MANNER)
    """Take answers in pieces as they come; a whole answer can be asked again when the line breaks."""
    choices: Literal["check", "json_schema", "guided_choice", "structured_outputs"] = "check"
    """How a list of valid answers is kept to: `check` reads the answer against the list, `json_schema` is
    OpenAI's way, the other two are vLLM's, older and newer."""
    body: dict[str, Any] = field(default_factory=dict)
    """More keys of the request's body; null takes one out, such as `{temperature: null}`."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> Engine:  # noqa: ARG002 - the port
        """Ready at once; the endpoint is not asked. Raises `EngineError` or `SpecError`."""
        for name, value in (("url", self.url), ("model", self.model)):
            if not value:
                fix = "write `{openai: {url: http://127.0.0.1:8001/v1, model: NAME}}`"
                raise EngineError(f"the engine `openai` needs a {name}", where="engine openai", fix=fix)
        key = environment.secret(self.key, where="engine openai.key") if self.key is not None else None
        heavy = require(f"{__name__}.engine", extra="all")
        chance = random.Random()  # spreads repeated questions; no answer depends on it
        engine: Engine = heavy.OpenAIEngine(self, key, offline=settings.offline, chance=chance)
        return engine
