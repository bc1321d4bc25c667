"""Learning rates that suit a tuner and a method."""

from __future__ import annotations

from typing import NamedTuple


class Rates(NamedTuple):
    """Learning rates of a tuner: hardly any effect, good to begin with, risky, and beyond hope."""

    slow: float
    usual: float
    risky: float
    hopeless: float


LOW_RANK = Rates(2e-5, 1e-3, 2e-3, 1e-2)
RATES = {
    "full": Rates(1e-6, 5e-5, 2e-4, 2e-3),
    "lora": LOW_RANK,
    "qlora": LOW_RANK,
    "dora": LOW_RANK,
    "bottleneck": LOW_RANK,
    "ia3": Rates(5e-4, 1e-2, 5e-2, 0.5),
    "prefix": Rates(1e-4, 1e-2, 0.1, 1.0),
    "prompt": Rates(1e-3, 3e-2, 0.3, 3.0),
}
"""By tuner; of one that is not named here little is known."""
PREFERENCES = ("dpo", "kto", "orpo", "grpo", "rloo")
"""Methods that push away from a reference, and over the edge if the steps are long."""
GENTLER = 10
"""How many times shorter their steps should be."""


def usual(tuner: str, method: str) -> float:
    """The rate to begin with."""
    return RATES.get(tuner, LOW_RANK).usual / (GENTLER if method in PREFERENCES else 1)
