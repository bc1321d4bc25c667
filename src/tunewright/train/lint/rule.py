"""Rule: a finding that the linter may come to, and what it is told by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tunewright.core.types import Severity
from tunewright.train.finding import Finding
from tunewright.train.lint.facts import Facts

MEASURED = "benchmarks/linter.py"
"""Proof of a rule whose harm is measured by short runs; the figures stand in `LAB.md`."""


@dataclass(frozen=True)
class Told:
    """What a rule found: where in the spec, in which numbers, and what to write instead."""

    where: str
    what: str
    fix: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """One finding of the linter: its words, its proof, and the function that looks."""

    kind: str
    severity: Severity
    effect: str
    proof: str
    look: Callable[[Facts], Told | None]
    """None where all is well, or where what it needs is not known yet."""

    def find(self, facts: Facts) -> Finding | None:
        """The finding, if there is one."""
        told = self.look(facts)
        if told is None:
            return None
        return Finding(
            kind=self.kind,
            where=told.where,
            what=told.what,
            effect=self.effect,
            fix=told.fix,
            fatal=self.severity == "error",
            minor=self.severity == "note",
            numbers=dict(told.numbers),
            proof=self.proof,
        )
