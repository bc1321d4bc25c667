"""What is wrong with the section `iterate` before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.core.types import Problem
from tunewright.iterate.spec import IterateSpec


def check(spec: IterateSpec) -> Iterator[Problem]:
    """Every problem of the section `iterate`."""
    if spec.similarity < 0.5:
        yield Problem(
            where="iterate.similarity",
            what=f"at {spec.similarity:g} most pairs of questions pass for similar",
            fix="try 0.8",
            fatal=False,
        )
