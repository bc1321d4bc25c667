"""Learning curves: how an error falls with the number of examples, and what more of them are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunewright.core.stats.interval import Interval

FEWEST_SIZES = 3
"""A law has three unknowns; fewer points say nothing of it."""

_EXPONENTS = np.geomspace(0.05, 2.0, 40)
_FLOORS = np.linspace(0.0, 0.9, 40)
"""Shares of the lowest error that are never unlearned; higher ones promise too little (measured)."""
_LOOSE = 0.02
"""No curve is a power law to the last digit: this share of an error is allowed beside its chance."""
DRAWS = 4000


@dataclass(frozen=True)
class PowerLaws:
    """Laws error(n) = floor + scale · (n / largest)^-exponent, as likely as they fit what was measured."""

    floors: NDArray[np.float64]
    scales: NDArray[np.float64]
    exponents: NDArray[np.float64]
    largest: float

    @classmethod
    def joined(cls, parts: Sequence[PowerLaws]) -> PowerLaws:
        """The laws of several fits of the same sizes, all with the same weight."""
        floors, scales, exponents = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("floors", "scales", "exponents")
        )
        return cls(floors, scales, exponents, parts[0].largest)

    def errors(self, size: float) -> NDArray[np.float64]:
        """The error that each law gives for so many examples, (laws,)."""
        return np.asarray(self.floors + self.scales * (size / self.largest) ** -self.exponents)

    def error(self, size: float, confidence: float = 0.9) -> tuple[float, Interval]:
        """The median error for so many examples, and where it may well lie."""
        return _middle(self.errors(size), confidence)

    def gain(self, size: float, more: float, confidence: float = 0.9) -> tuple[float, Interval]:
        """By how much the error falls from `size` examples to `more` beyond them, and its interval."""
        return _middle(self.errors(size) - self.errors(size + more), confidence)


def power_laws(
    sizes: Sequence[float],
    errors: Sequence[float],
    spreads: Sequence[float],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> PowerLaws:
    """The laws that may have given these errors; `spreads` are the errors' standard deviations.

    Error falls with the number of examples as a power law with a floor (Hestness et al. 2017,
    arXiv:1712.00409). Floors and exponents stand on a grid with equal weight before anything is
    measured; the scale is normal around its weighted least squares; laws are drawn by their likelihood.
    Raises `ValueError` for fewer than three sizes.
    """
    if len(set(sizes)) < FEWEST_SIZES:
        raise ValueError(f"{len(set(sizes))} sizes say nothing of a curve; it takes {FEWEST_SIZES}")
    n, measured = np.asarray(sizes, float), np.asarray(errors, float)
    slack = np.hypot(np.asarray(spreads, float), _LOOSE * measured)
    trust = 1 / np.maximum(slack, 1e-4) ** 2
    floors, exponents = (part.ravel() for part in np.meshgrid(_FLOORS * measured.min(), _EXPONENTS))
    falls = (n / n.max()) ** -exponents[:, None]
    above = measured - floors[:, None]
    weight = (trust * falls**2).sum(axis=1)
    scales = (trust * falls * above).sum(axis=1) / weight
    misfit = (trust * (above - scales[:, None] * falls) ** 2).sum(axis=1)
    likely = np.exp(-(misfit - misfit.min()) / 2) / np.sqrt(weight)
    chance = np.random.default_rng(seed)
    drawn = chance.choice(len(floors), draws, p=likely / likely.sum())
    scale = chance.normal(scales[drawn], 1 / np.sqrt(weight[drawn]))
    return PowerLaws(floors[drawn], np.maximum(scale, 0), exponents[drawn], float(n.max()))


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean of repeats and its standard error; the spread of a single one is 0."""
    mean = sum(values) / len(values)
    if len(values) == 1:
        return mean, 0.0
    return mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))


def _middle(values: NDArray[np.float64], confidence: float) -> tuple[float, Interval]:
    low, middle, high = np.quantile(values, [(1 - confidence) / 2, 0.5, (1 + confidence) / 2])
    return float(middle), Interval(float(low), float(high))
