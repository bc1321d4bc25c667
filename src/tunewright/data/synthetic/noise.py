"""Questions as people type them in a hurry: slips of the keys, case and spacing; no teacher is needed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.synthetic import paraphrase
from tunewright.data.synthetic.draft import Ground, Seed

EVERY = 25
"""Letters for each slip; at least one a question."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {
    key: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in _ROWS
    for place, key in enumerate(row)
}
_WORD = re.compile(r"[^\W\d_]{3,}")
"""What may be mistyped: no numbers, no placeholders, no codes."""
_BETWEEN = re.compile(r"(?<=[^\W\d_]) (?=[^\W\d_])")
"""A blank between two words: one between numbers keeps them apart."""
_HELD = re.compile(r"\[[^\]]*\]|\S*\d\S*")


def seeds(ground: Ground, material: Sequence[Example]) -> Iterator[Seed]:
    """Training examples, the labels in turn."""
    return paraphrase.seeds(ground, material)


def mistyped(text: str, chance: random.Random) -> str:
    """The text with a slip for every `EVERY` letters, in words without digits, and a manner of typing."""
    for _ in range(max(1, len(text) // EVERY)):
        held = [found.span() for found in _HELD.finditer(text)]
        words = [word for word in _WORD.finditer(text) if not _inside(word.span(), held)]
        if not words:
            break
        word = chance.choice(words)
        slip = chance.choice(_SLIPS)
        text = text[: word.start()] + slip(word[0], chance) + text[word.end() :]
    return chance.choice(_MANNERS)(text, chance)


def _inside(span: tuple[int, int], held: Sequence[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in held)


def _swapped(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _dropped(word: str, chance: random.Random) -> str:
    place = chance.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


def _doubled(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word))
    return word[:place] + word[place] + word[place:]


def _beside(word: str, chance: random.Random) -> str:
    place = chance.randrange(len(word))
    keys = _BESIDE.get(word[place].lower())
    return word[:place] + chance.choice(keys) + word[place + 1 :] if keys else word


def _as_it_is(text: str, _: random.Random) -> str:
    return text


def _small(text: str, _: random.Random) -> str:
    """All small, but for placeholders such as `[PERSON_1]`, and codes."""
    return re.sub(rf"({_HELD.pattern})|.", lambda found: found[1] or found[0].lower(), text, flags=re.S)


def _without_end(text: str, _: random.Random) -> str:
    return text.rstrip("?!. ") or text


def _spaced(text: str, chance: random.Random) -> str:
    """A blank too many, or one too few."""
    held = [found.span() for found in _HELD.finditer(text)]
    found = (blank.start() for blank in _BETWEEN.finditer(text))
    blanks = [place for place in found if not _inside((place - 1, place + 2), held)]
    if not blanks:
        return text
    place = chance.choice(blanks)
    return text[:place] + chance.choice(("", "  ")) + text[place + 1 :]


_SLIPS: tuple[Callable[[str, random.Random], str], ...] = (_swapped, _dropped, _doubled, _beside)
_MANNERS: tuple[Callable[[str, random.Random], str], ...] = (_as_it_is, _small, _without_end, _spaced)
