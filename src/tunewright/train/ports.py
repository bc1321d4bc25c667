"""What a method, a tuner, a backend and a tracker must be able to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import Field

from tunewright.core.types import Example, Frozen
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named


class Plan(Frozen):
    """Everything that decides the numbers of a run; a run resumes only on the same plan."""

    seed: int
    epochs: float
    steps: int
    warmup_steps: int
    evaluate_every: int
    batch: int
    learning_rate: float
    schedule: Literal["cosine", "linear", "constant"]
    patience: int
    best_by: Literal["exact", "loss"]
    """What decides which weights are kept; shares of exact answers within chance are decided by the loss."""
    inputs: str
    """Digest over the base model, the rendered examples, method and tuner."""


SAVES = "checkpoints"
"""Folder, inside the step's own, of what a stopped run goes on from."""


class Look(Frozen):
    """What a look at the validation examples found."""

    step: int
    """0 is the untouched model."""
    loss: float
    exact: float
    """Share of the answers that greedy decoding would give token for token; of pairs, those told apart."""
    figures: dict[str, float] = Field(default={})
    """What else was measured: `general_loss`, `ending_loss`, `ending_exact`, `generated_f1` …"""

    @property
    def perplexity(self) -> float:
        """How many tokens the model wavers between, on average."""
        return math.exp(min(self.loss, 700.0))


class Curve(Frozen):
    """What a run measured, step by step."""

    losses: tuple[float, ...] = ()
    """Training loss of every step."""
    norms: tuple[float, ...] = ()
    """Length of the gradient at every step, before it is clipped."""
    rewards: tuple[float, ...] = ()
    """What the model's own answers were worth at every step, on average, where it learns from them."""
    alike: tuple[float, ...] = ()
    """Share of the questions of every step whose answers were all worth the same."""
    validation: tuple[Look, ...] = ()
    best_step: int = 0
    tokens: int = 0
    trained_tokens: int = 0
    seconds: float = 0.0
    """Time spent in training, over all resumptions."""
    cpu_seconds: float = 0.0
    """Processor time of the same, all threads together."""
    peak_gb: float = 0.0
    planned_gb: float = 0.0
    """What was thought before the run that it would need; 0 where nothing was."""
    planned_seconds: float = 0.0
    trained_parameters: int = 0
    moved: float = 1.0
    """Length of the way that the trained weights went; 0 means that the adapter has no effect."""
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Look | None:
        """The look that the adapter was kept from, or None where there was no validation."""
        return next((look for look in self.validation if look.step == self.best_step), None)

    def points(self) -> list[tuple[str, float, int]]:
        """Everything of it that can be drawn over the steps: name, value and step."""
        steps = (("train_loss", self.losses), ("gradient_norm", self.norms), ("train_reward", self.rewards))
        found = [(name, value, step) for name, values in steps for step, value in enumerate(values, start=1)]
        for look in self.validation:
            figures = {"validation_loss": look.loss, "validation_exact": look.exact, **look.figures}
            found += [(name, value, look.step) for name, value in figures.items()]
        return found


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a backend is given."""

    plan: Plan
    weights: Path
    base_name: str
    train: Sequence[Rendered]
    validation: Sequence[Rendered]
    method: Method
    tuner: Tuner
    probes: Mapping[str, Sequence[Rendered]] = field(default_factory=dict)
    """What is looked at beside the validation examples, by name: general questions, ends of answers."""
    chat: Chat
    """For answers in words while it trains."""
    start: Path | None = None
    """Folder of the adapter that it goes on from; None begins with a new one, or with whole weights."""
    rater: tuple[Path, Path | None] | None = None
    """Weights and adapter of the reward model of an earlier round; a whole one has no adapter."""
    labels: tuple[str, ...] = ()
    """The answers that there are, where the list is closed."""
    teacher: Path | None = None
    """Folder of the model whose probabilities are learned."""


class Method(Protocol):
    """What is learned from: the shape of a batch and its loss."""

    compares: ClassVar[bool]
    """Whether its loss looks at the log-probabilities by the model as it was before training."""
    rates: ClassVar[bool]
    """Whether it makes a model that says of a text how good it is, a number, in place of words."""

    def takes(self, example: Example) -> bool:
        """Whether it can learn from the example; the others are left out, and counted."""
        ...

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """Tokens of the examples that it takes, and which of them are learned from; raises `TrainError`."""
        ...

    def lacks(self, train: Sequence[Rendered]) -> str:
        """What it cannot learn without and the training items do not have, in words; empty if nothing."""
        ...

    def amount(self, item: Rendered) -> float:
        """What an item adds to the number that the summed loss of a step is divided by."""
        ...

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed loss of a batch, each item as often as it weighs, as a tensor of one number."""
        ...

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and of every item whether the model has it right, [items]."""
        ...


RATER = "reward"
"""Word for the reward model of an earlier round among the rewards."""


@runtime_checkable
class OnlineMethod(Method, Protocol):
    """Learns from several answers of the model to each question, weighed by what they are worth."""

    rewards: tuple[Named, ...]
    """Scorers, or `RATER`."""
    weights: tuple[float, ...]
    """How much each counts; empty if all alike."""
    answers: int
    """Answers to a question."""
    longest: int
    """Tokens of an answer at most."""
    beta: float
    """0 if it does not matter what the model before training says of an answer."""


@runtime_checkable
class TaughtMethod(Method, Protocol):
    """Learns what another model says."""

    model: str
    """Name or folder of a local teacher; empty for an endpoint."""
    teacher: Named
    """Engine that answers for the teacher."""
    learn: Literal["answers", "probabilities"]
    """Its answers, or how likely it finds every token of the right ones."""
    longest: int
    """Tokens of its answers at most."""


class Tuner(Protocol):
    """Which weights move."""

    whole: ClassVar[bool]
    """Whether the base model's own weights move, so that all are kept; else an adapter beside them is."""
    apart: ClassVar[str]
    """Why the adapter cannot be merged into the base's weights; empty where it can."""

    def prepare(self, model: Any, seed: int) -> Any:  # noqa: ANN401 - a transformers model, a PEFT model
        """The model with only the tuner's weights left to train."""
        ...


@runtime_checkable
class QuantisedTuner(Tuner, Protocol):
    """Learns beside a base whose weights are quantised."""

    bits: Literal[4, 8]
    """Of a frozen weight."""
    needs: ClassVar[str]
    """The library that quantises."""


@runtime_checkable
class SoftTuner(Tuner, Protocol):
    """Learns tokens that stand before every text."""

    tokens: int
    """How many; they take room in the context."""


class Backend(Protocol):
    """Where it runs."""

    def fit(self, work: Work, context: Context) -> Curve:
        """Train, and leave the best adapter in the context's folder."""
        ...


class Tracker(Protocol):
    """A mirror of the curves; the artifacts are the truth."""

    def log(self, context: Context, settings: Mapping[str, str], curve: Curve) -> None:
        """Write a finished run to the tracking store."""
        ...
