"""Diagnose: what the curve of a finished run says about its settings."""

from __future__ import annotations

from tunewright.core.types import Problem
from tunewright.runtime.measure.losses import Losses
from tunewright.train.ports import Curve, Plan


def diagnose(plan: Plan, curve: Curve) -> tuple[Problem, ...]:
    """Findings to act on in the next run; none of them is fatal."""
    found: list[Problem] = []
    if curve.moved == 0:
        found.append(
            _finding("train.learning_rate", "the adapter has not moved: it has no effect", "raise it")
        )
    if len(curve.validation) < 2:
        return tuple(found)
    losses = [look.loss for look in curve.validation]
    first, last, best = losses[0], losses[-1], min(losses)
    if best >= first:
        found.append(
            _finding(
                "train.learning_rate",
                "the validation loss never fell below the untouched model's",
                "halve it",
            )
        )
    elif last > 1.1 * best and plan.best_by == "loss":
        what = f"the validation loss rose from {best:.3f} to {last:.3f}: the examples are learned by heart"
        found.append(_finding("train.epochs", what, f"stop near step {curve.best_step}, or add examples"))
    elif curve.best_step == plan.steps and Losses(validation=tuple(enumerate(losses))).still_falling:
        found.append(
            _finding("train.epochs", "the validation loss was still falling at the end", "train longer")
        )
    return tuple(found)


def _finding(where: str, what: str, fix: str) -> Problem:
    return Problem(where=where, what=what, fix=fix, fatal=False)
