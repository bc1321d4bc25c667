"""How many test examples it takes to see a difference."""

from __future__ import annotations

import math
from statistics import NormalDist

from tunewright.core.stats.interval import Interval, two_sided


def needed_examples(difference: float, discordance: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Test examples for which McNemar's test finds `difference` in accuracy with this power.

    `discordance` is the share of examples on which exactly one of the two candidates is right, at least
    as large as the difference. Connor 1987, Biometrics 43:207-211:
    n = (z(1-alpha/2) sqrt(d) + z(power) sqrt(d - difference^2))^2 / difference^2, two-sided.
    """
    gap = abs(difference)
    if not 0 < gap <= discordance <= 1:
        raise ValueError(f"no size shows a difference of {difference} when {discordance} of the pairs differ")
    spread = math.sqrt(discordance), math.sqrt(discordance - gap * gap)
    return _size(spread, gap, power, alpha)


def needed_for_proportion(value: float, bound: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Test examples that tell a proportion of `value` from `bound` with this power, two-sided.

    Normal approximation of the one-sample test (Fleiss, Levin and Paik 2003, Statistical Methods for Rates
    and Proportions, 3rd edition, chapter 2):
    n = (z(1-alpha/2) sqrt(b(1-b)) + z(power) sqrt(v(1-v)))^2 / (v-b)^2.
    """
    if not (0 <= value <= 1 and 0 <= bound <= 1) or value == bound:
        raise ValueError(f"no size tells a proportion of {value} from {bound}")
    spread = math.sqrt(bound * (1 - bound)), math.sqrt(value * (1 - value))
    return _size(spread, abs(value - bound), power, alpha)


def needed_at_scale(
    interval: Interval, n: int, gap: float, *, power: float = 0.8, confidence: float = 0.95
) -> int:
    """Test examples for a metric of any kind, from the interval that `n` examples gave it.

    Its standard error falls with the root of n, so n grows with the square of ((z + z(power)) times that
    error over the `gap` to be seen).
    """
    if gap == 0 or n < 1:
        raise ValueError(f"no size shows a gap of {gap} from an interval of {n} examples")
    z = two_sided(confidence)
    error = interval.width / (2 * z)
    return max(1, math.ceil(n * ((z + NormalDist().inv_cdf(power)) * error / gap) ** 2))


def _size(spread: tuple[float, float], gap: float, power: float, alpha: float) -> int:
    under_chance, under_difference = spread
    if not 0 < power < 1:
        raise ValueError(f"power lies between 0 and 1, not at {power}")
    reach = two_sided(1 - alpha) * under_chance + NormalDist().inv_cdf(power) * under_difference
    return max(1, math.ceil((reach / gap) ** 2))
