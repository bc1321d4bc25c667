"""Word lists of names, places and plain words, read once from the package's data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import orjson

FIRST, LAST, PLACE, COMMON = 1, 2, 4, 8
"""What a word is known as; a word may be several."""

LISTS = {"first.txt": FIRST, "last.txt": LAST, "places.txt": PLACE, "words.txt": COMMON}


@dataclass(frozen=True)
class Gazetteer:
    """Words in small letters with what they are known as."""

    known: dict[str, int]
    phrases: dict[str, tuple[tuple[str, ...], ...]]
    """Places of several words by the first of them, the longest first."""

    def flags(self, word: str) -> int:
        """What the word is known as; 0 if no list has it.

        A hyphenated word is what its first part is; with a plain word in it and in small letters, plain.
        """
        small = word.casefold()
        found = self.known.get(small)
        if found is None and "-" in small:
            parts = [self.known.get(part, 0) for part in small.split("-")]
            plain = word.islower() and any(part & COMMON for part in parts)
            return COMMON if plain else parts[0] & ~COMMON
        return found or 0


@cache
def load() -> Gazetteer:
    """The lists of the package: `data/NOTICE` says where each is from and under which licence."""
    known: dict[str, int] = {}
    folder = files("tunewright.runtime.redact") / "data"
    for name, flag in LISTS.items():
        for word in (folder / name).read_text(encoding="utf-8").splitlines():
            known[word] = known.get(word, 0) | flag
    phrases: dict[str, list[tuple[str, ...]]] = {}
    for line in (folder / "phrases.txt").read_text(encoding="utf-8").splitlines():
        words = tuple(line.split())
        phrases.setdefault(words[0], []).append(words)
    longest = {first: tuple(sorted(found, key=len, reverse=True)) for first, found in phrases.items()}
    return Gazetteer(known, longest)


def is_word(text: str) -> bool:
    """Is it a plain word of the language?"""
    return bool(load().flags(text) & COMMON)


def is_name(text: str) -> bool:
    """Is it known as the name of a person, whatever else it is?"""
    return bool(load().flags(text) & (FIRST | LAST))


def measured() -> dict[str, float]:
    """Recall by kind in characters, as `python -m benchmarks.privacy` last measured it."""
    path = files("tunewright.runtime.redact") / "data" / "measured.json"
    if not path.is_file():
        return {}
    found: dict[str, float] = orjson.loads(path.read_bytes())["recall"]
    return found
