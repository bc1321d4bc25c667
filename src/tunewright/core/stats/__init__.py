"""Intervals, paired tests and sample sizes: how much of a difference is chance."""

from tunewright.core.stats.growth import FEWEST_SIZES, PowerLaws, power_laws
from tunewright.core.stats.interval import Interval, wilson
from tunewright.core.stats.paired import holm, mcnemar, paired_permutation
from tunewright.core.stats.power import needed_at_scale, needed_examples, needed_for_proportion
from tunewright.core.stats.resample import bootstrap, bootstrap_mean, paired_bootstrap

__all__ = [
    "FEWEST_SIZES",
    "Interval",
    "PowerLaws",
    "bootstrap",
    "bootstrap_mean",
    "holm",
    "mcnemar",
    "needed_at_scale",
    "needed_examples",
    "needed_for_proportion",
    "paired_bootstrap",
    "paired_permutation",
    "power_laws",
    "wilson",
]
