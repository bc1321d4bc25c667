"""The kinds of personal data and secrets, and what a finding is."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Kind = Literal[
    "person",
    "address",
    "place",
    "organisation",
    "email",
    "phone",
    "card",
    "iban",
    "account",
    "national_id",
    "licence",
    "passport",
    "birth_date",
    "ip",
    "mac",
    "url",
    "secret",
    "custom",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

BY_RULE_ONLY: frozenset[Kind] = frozenset({"person", "address", "place", "organisation"})
"""Kinds without a form of their own: they are recognised by words and their neighbours, and often missed."""


_SURE = 0.95


class Finding(NamedTuple):
    """A stretch of a text that is personal data or a secret: `text[start:end]`."""

    kind: Kind
    start: int
    end: int
    score: float
    """How sure: 1.0 where a check digit holds or the form is unmistakable, 0.5 where only neighbours tell."""


def resolved(found: list[Finding]) -> list[Finding]:
    """The findings without overlaps, in their order; a sure one wins, then the longer one.

    What a losing finding covers beyond the winners stays as a finding of its own, so that no character
    that was found goes free.
    """
    kept: list[Finding] = []
    for one in sorted(found, key=_rank):
        kept += [
            one._replace(start=start, end=end)
            for start, end in _uncovered(one, kept)
            if (start, end) == one[1:3] or end - start > 2
        ]
    return sorted(kept, key=lambda each: each.start)


def _rank(one: Finding) -> tuple[bool, int, float, int]:
    return one.score < _SURE, one.start - one.end, -one.score, one.start


def _uncovered(one: Finding, kept: list[Finding]) -> list[tuple[int, int]]:
    """The stretches of a finding that no finding of the list covers."""
    place, open_ = one.start, []
    for other in sorted(kept, key=lambda each: each.start):
        if other.end <= place or other.start >= one.end:
            continue
        if other.start > place:
            open_.append((place, other.start))
        place = other.end
    if place < one.end:
        open_.append((place, one.end))
    return open_
