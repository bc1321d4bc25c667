"""Short training runs by the local backend, past every check: for benchmarks that run what is warned of."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tunewright.core.types import Checkpoint, Example, Message
from tunewright.runtime import plugins
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace
from tunewright.train import TrainSpec
from tunewright.train.plan import make_plan
from tunewright.train.ports import Curve, Plan, Work
from tunewright.train.probe import probes

Data = tuple[Sequence[Example], Sequence[Example]]
"""Training and validation examples."""


def example(name: str, question: str, answer: str) -> Example:
    """One question with its answer."""
    asked, said = Message(role="user", content=question), Message(role="assistant", content=answer)
    return Example(id=name, messages=(asked, said), label=answer)


def fit(  # noqa: PLR0913 - all but three have a default
    base: Checkpoint,
    data: Data,
    settings: dict[str, Any],
    *,
    seed: int = 0,
    change: Callable[[Sequence[Rendered]], Sequence[Rendered]] = list,
    threads: int = 1,
    keep: Path | None = None,
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Plan, Curve]:
    """One run; `change` is made to the training examples once they are tokens. Raises `TrainError`.

    The weights are left in the folder `keep`, if one is given. `beside` is what else the work has: `start`,
    `rater`, `teacher`.
    """
    spec = TrainSpec.model_validate(settings)
    chat, method = Chat.load(base.path), plugins.make("methods", spec.method)
    train, validation = (list(change(method.render(part, chat, "Route."))) for part in data)
    plan = make_plan(spec, seed, base, (train, validation), "loss")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"  # beside it lies its scratch
        folder.mkdir()
        context = Context(
            project=folder,
            workspace=Workspace(folder),
            settings=Settings(cache=folder / "cache", threads=threads, offline=True),
            step="train",
            artifact_id="checkpoint",
            folder=keep or folder,
        )
        work = Work(
            plan=plan,
            weights=base.path,
            base_name="base",
            train=train,
            validation=validation,
            method=method,
            tuner=plugins.make("tuners", spec.tuner),
            probes=probes(chat, validation),
            chat=chat,
            **beside,
        )
        return plan, plugins.make("backends", spec.backend).fit(work, context)


def weighed(weights: Sequence[float]) -> Callable[[Sequence[Rendered]], Sequence[Rendered]]:
    """A change that gives the first examples these weights."""

    def change(items: Sequence[Rendered]) -> Sequence[Rendered]:
        heavy = [replace(one, weight=weight) for one, weight in zip(items, weights, strict=False)]
        return [*heavy, *items[len(heavy) :]]

    return change
