"""What a user says of training."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tunewright.core.types import Frozen
from tunewright.runtime.plugins import Named
from tunewright.train import rates


class TrainSpec(Frozen):
    """How the base model is tuned; the defaults suit a small model on a CPU."""

    method: Named = Field(
        default=Named(name="sft"),
        description="what is learned from: `sft`, `cpt`, `dpo`, `kto`, `orpo`, `reward`, `grpo`, `distill`",
    )
    tuner: Named = Field(
        default=Named(name="lora"),
        description="which weights move: `lora`, `{lora: {r: 8}}`, `qlora`, `dora`, `ia3`, `bottleneck`, "
        "`prefix`, `prompt`, `full`",
    )
    backend: Named = Field(default=Named(name="local"), description="where it runs: `local`")
    tracker: Named | None = Field(
        default=Named(name="mlflow"),
        description="where the curves are mirrored to: `mlflow`, `tensorboard`, `wandb`; `null` for nowhere",
    )
    epochs: float = Field(
        default=3.0, gt=0, allow_inf_nan=False, description="how often every training example is seen"
    )
    learning_rate: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="highest step size, reached after the warm-up; what suits tuner and method if left out",
    )
    batch: int = Field(default=16, ge=1, description="examples per step")
    warmup: float = Field(default=0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="how the rate falls after the warm-up"
    )
    evaluations: int = Field(default=2, ge=1, description="looks at the validation loss per epoch")
    patience: int = Field(
        default=3,
        ge=0,
        description="looks without a better validation loss before it stops; 0 never stops early",
    )
    max_tokens: int = Field(default=1024, ge=8, description="longest example; a longer one stops the run")
    then: TrainSpec | None = Field(
        default=None,
        description="a further round, which goes on from this one: `{method: dpo, learning_rate: 5e-5}`",
    )

    @model_validator(mode="before")
    @classmethod
    def _hand_on(cls, values: object) -> object:
        """What a further round does not say of tuner, backend and tracker is as it was."""
        if not isinstance(values, dict) or not isinstance(values.get("then"), dict):
            return values
        known = {key: values[key] for key in ("tuner", "backend", "tracker") if key in values}
        return {**values, "then": {**known, **values["then"]}}

    @property
    def rate(self) -> float:
        """The learning rate, as it was given or as it is usual."""
        return self.learning_rate or rates.usual(self.tuner.name, self.method.name)

    @property
    def rounds(self) -> tuple[TrainSpec, ...]:
        """This round and the further ones, each alone."""
        alone = self.model_copy(update={"then": None})
        return (alone,) if self.then is None else (alone, *self.then.rounds)
