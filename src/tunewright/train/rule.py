"""Rule: a finding that may be come to, before a run or after it, and what it is told by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tunewright.core.types import Severity
from tunewright.train.finding import Finding

MEASURED = "benchmarks/linter.py"
"""Proof of a rule whose harm is measured by short runs; the figures stand in `LAB.md`."""


@dataclass(frozen=True)
class Told:
    """What a rule found: where in the spec, in which numbers, and what to write instead."""

    where: str
    what: str
    fix: str
    numbers: Mapping[str, float] = field(default_factory=dict)


F = TypeVar("F")


@dataclass(frozen=True)
class Rule(Generic[F]):
    """One finding: its words, its proof, and the function that looks at what is known."""

    kind: str
    severity: Severity
    effect: str
    proof: str
    look: Callable[[F], Told | None]
    """None where all is well, or where what it needs is not known yet."""

    def find(self, facts: F) -> Finding | None:
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


def found(rules: Iterable[Rule[F]], facts: F) -> tuple[Finding, ...]:
    """What the rules find in the facts, in their order."""
    return tuple(finding for rule in rules if (finding := rule.find(facts)) is not None)
