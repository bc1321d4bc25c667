"""An interval, and the one of a proportion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Interval:
    """Where a figure may well lie: from `low` to `high`, both included."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval cannot go from {self.low} to {self.high}")

    def __contains__(self, value: float) -> bool:
        """True if the figure lies inside."""
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


def two_sided(confidence: float) -> float:
    """The normal quantile that leaves `1 - confidence` outside, half on each side."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies between 0 and 1, not at {confidence}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval of a proportion: `successes` of `n`, also honest at 0 and at `n`.

    Wilson's score interval without continuity correction (Wilson 1927, JASA 22:209-212).
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} of {n} is no proportion")
    z = two_sided(confidence)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At the ends rounding must not push the bound past the proportion itself.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(max(0.0, low), min(1.0, high))
