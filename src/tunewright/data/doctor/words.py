"""English words that carry little meaning, for detectors that look past them."""

from __future__ import annotations

import re

WORD = re.compile(r"\w+")

_COURTESY = (
    "a an the is are am was were be been do does did can could would will i you me my your we our us "
    "please pls plz kindly hi hello hey thanks thank so just really there that this it its s t m ve "
    "have has had "
)
_BETWEEN = (
    "of to in on at for from by with as and or but if then than into about which who what when where "
    "how he she they them his her their not no yes very also here "
)

COURTESY = frozenset(_COURTESY.split())
"""Words that two ways of asking the same may differ by."""

BETWEEN = frozenset((_COURTESY + _BETWEEN).split())
"""Words of which no answer consists."""


def content(text: str) -> set[str]:
    """The words of a text that say something, in lower case."""
    return set(WORD.findall(text.casefold())) - BETWEEN
