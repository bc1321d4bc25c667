"""Names of the figures that a report may hold, for whoever promises or reads one."""

from __future__ import annotations

from collections.abc import Sequence

LATENCY = ("latency_p50", "latency_p95")
"""Seconds of a question asked alone."""
WITHOUT_NEAR_DUPLICATES = "_without_near_duplicates"
"""Ending of a metric over the test examples that have no near-duplicate in train."""


def reportable(scorers: Sequence[str]) -> tuple[str, ...]:
    """Names of all metrics of a report over these scorers."""
    return (*scorers, *LATENCY, *(name + WITHOUT_NEAR_DUPLICATES for name in scorers))
