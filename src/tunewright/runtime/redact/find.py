"""Look for personal data and secrets in one text, with the detectors that are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from tunewright.runtime.redact.addresses import addresses
from tunewright.runtime.redact.contacts import contacts
from tunewright.runtime.redact.kinds import Finding, resolved
from tunewright.runtime.redact.names import names
from tunewright.runtime.redact.numbers import lettered, numbers
from tunewright.runtime.redact.tokens import tokens

Detector = Literal["patterns", "names", "presidio"]
"""`patterns`: forms and check digits, always on. `names`: word lists and neighbours. `presidio`: an extra."""

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_\d+\]")
"""What a finding is replaced by."""

_DIGIT = re.compile(r"\d")


def find(
    text: str, detectors: Iterable[Detector] = ("names",), custom: Iterable[re.Pattern[str]] = ()
) -> list[Finding]:
    """Findings of a text, in their order and without overlaps; the patterns always look.

    Placeholders that stand in the text already are left alone. Raises `MissingExtra` if `presidio` is
    wanted and not installed.
    """
    found = list(_patterns(text))
    found += [
        Finding("custom", match.start(), match.end(), 1.0) for one in custom for match in one.finditer(text)
    ]
    if "names" in detectors:
        found += addresses(text)
        found += names(text, found)
    if "presidio" in detectors:
        from tunewright.runtime.redact import presidio  # noqa: PLC0415 - the extra is asked for here

        found += presidio.find(text)
    found = [one for one in found if one.end > one.start]
    if found and "[" in text:
        spared = [match.span() for match in PLACEHOLDER.finditer(text)]
        found = [one for one in found if not any(a < one.end and one.start < b for a, b in spared)]
    return resolved(found) if len(found) > 1 else found


def _patterns(text: str) -> Iterator[Finding]:
    if _DIGIT.search(text):
        yield from numbers(text)
        yield from lettered(text)
    yield from contacts(text)
    yield from tokens(text)
