"""Facts: what the linter judges settings by, as far as it is known before a run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewright.core.types import Checkpoint, Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.models import shapes
from tunewright.runtime.models.files import CONFIG, read_object
from tunewright.train.spec import TrainSpec


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What is known of the examples."""

    train: Sequence[Rendered]
    validation: Sequence[Rendered] = ()
    examples: Sequence[Example] = ()
    """The training examples as they were before they became tokens."""
    instruction: str | None = None
    """What a question is sent with when the model is served."""

    count: int = 0
    """Training examples altogether, where `train` holds only the first of them."""

    def __len__(self) -> int:
        return max(self.count, len(self.train))


@dataclass(frozen=True, kw_only=True)
class BaseFacts:
    """What is known of the base model, without loading it."""

    name: str
    chat: Chat
    context: int = 0
    parameters: int = 0
    hidden: int = 0
    layers: frozenset[str] = frozenset()
    """Whole names of the layers that multiply by a matrix."""
    config: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, base: Checkpoint, weights: Path) -> BaseFacts:
        """Read from the configs and headers of the model in `weights`."""
        found = cls.at(base.base.name, weights)
        context, parameters = base.base.context, base.base.parameters
        return replace(found, chat=Chat.load(base.path), context=context, parameters=parameters)

    @classmethod
    def at(cls, name: str, folder: Path) -> BaseFacts:
        """The same of an untouched model that was not resolved: its weights are not read."""
        config, layers = read_object(folder / CONFIG), shapes(folder)
        return cls(
            name=name,
            chat=Chat.load(folder),
            context=int(config.get("max_position_embeddings") or 0),
            parameters=sum(out * into for out, into in layers.values()),
            hidden=int(config.get("hidden_size") or 0),
            layers=frozenset(layers),
            config=config,
        )


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The settings, and as much of examples and model as is known."""

    spec: TrainSpec
    data: DataFacts | None = None
    base: BaseFacts | None = None
    export: str = ""
    """The form that the checkpoint will be packed in."""

    @property
    def tuner(self) -> str:
        """Name of the tuner."""
        return self.spec.tuner.name

    def option(self, name: str, default: float) -> float:
        """A number among the tuner's options; what is no number is refused elsewhere."""
        value = self.spec.tuner.options.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    @property
    def steps(self) -> int | None:
        """Steps of the whole run; None while the examples are not known."""
        if not self.data:
            return None
        return max(1, round(self.spec.epochs * math.ceil(len(self.data) / self.spec.batch)))
