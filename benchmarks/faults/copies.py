"""Plants near-copies of texts: one typing error, or one word put for another; knows no detector."""

from __future__ import annotations

import random
import string
from collections.abc import Sequence

FEWEST_WORDS = 5
"""Shorter texts are not copied: one word of three is no small change."""


def typo(text: str, draw: random.Random) -> str:
    """The text with one slip of the fingers: a letter left out, doubled, swapped or mistaken."""
    places = [place for place, mark in enumerate(text[:-1]) if mark.isalpha() and text[place + 1].isalpha()]
    at = draw.choice(places)
    slip = draw.randrange(4)
    if slip == 0:
        return text[:at] + text[at + 1 :]
    if slip == 1:
        return text[: at + 1] + text[at:]
    if slip == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + draw.choice(string.ascii_lowercase) + text[at + 1 :]


def one_word(text: str, vocabulary: Sequence[str], draw: random.Random) -> str:
    """The text with one word put for another."""
    words = text.split()
    place = draw.randrange(len(words))
    others = [word for word in draw.sample(vocabulary, 8) if word != words[place]]
    return " ".join([*words[:place], others[0], *words[place + 1 :]])


def plant(
    texts: Sequence[str], copies: int, seed: int
) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """So many typo copies and as many one-word changes, each with the place of its original."""
    draw = random.Random(seed)
    long_enough = [place for place, text in enumerate(texts) if len(text.split()) >= FEWEST_WORDS]
    chosen = draw.sample(long_enough, 2 * copies)
    vocabulary = sorted({word for text in texts for word in text.split() if word.isalpha()})
    typos = [(place, typo(texts[place], draw)) for place in chosen[:copies]]
    return typos, [(place, one_word(texts[place], vocabulary, draw)) for place in chosen[copies:]]
