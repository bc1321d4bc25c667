"""The learning rate of every step."""

from __future__ import annotations

import math

from tunewright.train.ports import Plan


def rate(plan: Plan, step: int) -> float:
    """Learning rate of a step, counted from 0."""
    if step < plan.warmup_steps:
        return plan.learning_rate * (step + 1) / plan.warmup_steps
    done = (step - plan.warmup_steps) / max(1, plan.steps - plan.warmup_steps)
    if plan.schedule == "cosine":
        return plan.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
    return plan.learning_rate * (1 - done if plan.schedule == "linear" else 1)
