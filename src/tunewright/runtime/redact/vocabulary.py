"""Short lists of words that decide what a number or a capital letter means."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import orjson

_READ: dict[str, Any] = orjson.loads(
    (files("tunewright.runtime.redact") / "data" / "vocabulary.json").read_bytes()
)

PARTICLES = frozenset[str](_READ["particles"])
"""Small words inside a name, such as `van`."""
TITLES = frozenset[str](_READ["titles"])
"""Words before a person's name."""
ORGANISATION_ENDS = frozenset[str](_READ["organisation_ends"])
"""Last words of organisations' names."""
NEVER_NAMES = frozenset[str](_READ["never_names"])
"""Words with a capital letter that are no name."""
NEVER_STREETS = frozenset[str](_READ["never_streets"])
"""Words that no street or town has."""
SMALL_IN_TOWNS = frozenset[str](_READ["small_in_towns"])
"""Words of a town's name without a capital letter."""
ADDRESS_CUES = tuple[str, ...](_READ["address_cues"])
"""Words, or their beginnings, that stand before an address."""
NUMBER_CUES: dict[str, list[str]] = _READ["number_cues"]
"""Kind of a number → words before it; `_` joins two words that follow each other."""
CALLING_CODES = frozenset[str](_READ["calling_codes"])
"""Country calling codes of ITU-T E.164."""
