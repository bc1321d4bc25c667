"""Plan: how many steps of what size, for this dataset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from tunewright.core import digest
from tunewright.core.types import Checkpoint
from tunewright.runtime.chat import Rendered
from tunewright.train.ports import Plan
from tunewright.train.spec import TrainSpec

VALIDATION_LIMIT = 512
"""Validation examples that are looked at during training; the loss needs no more."""


def make_plan(
    spec: TrainSpec,
    seed: int,
    base: Checkpoint,
    splits: Sequence[Sequence[Rendered]],
    best_by: Literal["exact", "loss"],
    rater: Checkpoint | None = None,
) -> Plan:
    """The plan of a run; `splits` are the rendered training and validation examples."""
    steps, every = steps_of(spec, len(splits[0]))
    content = [[[list(item.ids), list(item.trained), item.weight] for item in split] for split in splits]
    return Plan(
        seed=seed,
        epochs=spec.epochs,
        steps=steps,
        warmup_steps=round(spec.warmup * steps),
        evaluate_every=every,
        batch=spec.batch,
        learning_rate=spec.rate,
        schedule=spec.schedule,
        patience=spec.patience,
        best_by=best_by,
        inputs=digest.of_value(
            [
                base.base.sha256,
                base.digest if base.tuner else "",
                "" if rater is None else rater.digest,
                content,
                spec.model_dump(mode="json", include={"method", "tuner", "backend"}),
            ]
        ),
    )


def steps_of(spec: TrainSpec, count: int) -> tuple[int, int]:
    """Steps of a round with so many training examples, and after how many it looks at the others."""
    per_epoch = math.ceil(count / spec.batch)
    return max(1, round(spec.epochs * per_epoch)), max(1, math.ceil(per_epoch / spec.evaluations))
