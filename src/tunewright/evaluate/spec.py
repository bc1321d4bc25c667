"""What a user says of the evaluation."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import CandidateKind, Frozen
from tunewright.runtime.plugins import Named


class EvaluateSpec(Frozen):
    """Which candidates are compared, on what, and how surely."""

    engine: Named = Field(default=Named(name="transformers"), description="what answers the questions")
    candidates: tuple[CandidateKind, ...] = Field(
        default=("classical", "zero-shot", "few-shot", "tuned"),
        description="rungs of the ladder: a classical model, the base model by prompt, the tuned one",
    )
    prompts: tuple[str, ...] = Field(
        default=(),
        description="instructions to try for prompt-only candidates, `{objective}` and `{labels}` are "
        "filled in; three built-in ones if left out",
    )
    shots: tuple[int, ...] = Field(
        default=(4, 8), description="numbers of examples to try for the few-shot candidate"
    )
    scorers: tuple[Named, ...] = Field(
        default=(), description="scorers with options, beside the metrics of the task"
    )
    validation_examples: int = Field(
        default=60, ge=1, description="validation examples that prompts and shots are chosen on"
    )
    test_examples: int | None = Field(
        default=None, ge=1, description="test examples to ask at most; all if left out"
    )
    latency_examples: int = Field(
        default=20, ge=0, description="test examples asked alone, one at a time, for the latency"
    )
    confidence: float = Field(default=0.95, gt=0.5, lt=1.0, description="confidence of every interval")
    max_tokens: int = Field(default=256, ge=1, description="longest answer, in tokens")
