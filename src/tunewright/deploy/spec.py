"""What a user says of the release."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import Frozen, VerdictWord
from tunewright.runtime.plugins import Named


class ServeSpec(Frozen):
    """What one server takes on; no release depends on it."""

    answers: int = Field(
        default=64, ge=1, description="answers under way or waiting at once; who comes then is told to wait"
    )
    body_bytes: int = Field(default=1_000_000, ge=1024, description="bytes of one request")
    prompt_characters: int = Field(default=200_000, ge=1, description="characters of one conversation")
    answer_tokens: int = Field(default=4096, ge=1, description="tokens that one answer may be asked for")
    drain_seconds: float = Field(
        default=30.0,
        ge=0,
        allow_inf_nan=False,
        description="seconds that answers under way have to finish once the server is asked to end",
    )


class DeploySpec(Frozen):
    """How a checkpoint is packed, and what must hold before it may be promoted."""

    export: Named | None = Field(
        default=None,
        description="form it is packed in, such as `merged`, `adapter` or `{gguf: {type: q8_0}}`; if left "
        "out, merged where that is possible",
    )
    engine: Named | None = Field(
        default=None,
        description="engine that serves it; if left out, `llamacpp` for GGUF, else that of the evaluation",
    )
    allow: tuple[VerdictWord, ...] = Field(
        default=("ship", "waived"),
        description="verdicts that allow the release; with any other it is packed as a mere candidate",
    )
    parity_prompts: int = Field(
        default=16, ge=1, description="test prompts that every form must answer with the same tokens"
    )
    parity_tokens: int = Field(default=32, ge=1, description="tokens of each answer that are compared")
    parity_served: bool = Field(
        default=True,
        description="whether the packed form is also asked through a server of its own, over HTTP",
    )
    quantised_prompts: int = Field(
        default=100, ge=1, description="test prompts on which the loss of a quantised form is measured"
    )
    quantised_tolerance: float = Field(
        default=0.02, ge=0, le=1, description="most that a quantised form may lose in the metric of the task"
    )
