"""Linter: what in the settings will harm the run, told before anything is spent, all at once."""

from __future__ import annotations

from tunewright.train.finding import Finding
from tunewright.train.lint import amounts, model, rates, words
from tunewright.train.lint.facts import BaseFacts, DataFacts, Facts
from tunewright.train.lint.words import too_long
from tunewright.train.rule import Rule, found

__all__ = ["RULES", "BaseFacts", "DataFacts", "Facts", "Rule", "lint", "too_long"]

RULES: tuple[Rule[Facts], ...] = (*rates.RULES, *amounts.RULES, *words.RULES, *model.RULES)
"""Every finding there is, in the order in which they are told."""
_WORST_FIRST = ("error", "warning", "note")


def lint(facts: Facts) -> tuple[Finding, ...]:
    """What the rules find in the settings, the worst first; rules whose facts are not known are silent."""
    return tuple(sorted(found(RULES, facts), key=lambda finding: _WORST_FIRST.index(finding.severity)))
