"""Meaning as vectors: a static embedding that needs no torch and nothing from the network."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VERSION = "1"
"""Rises with the asset: part of the fingerprint of whatever is made with it."""


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """One vector a text, (n, 256), of length 1, so that a dot product is the cosine.

    A text without a known token has the zero vector, which is like nothing. English only; about
    10,000 short texts a second.
    """
    static = importlib.import_module("tunewright.runtime.embed.static")
    vectors: NDArray[np.float32] = static.embed(texts)
    return vectors


def knows(word: str) -> bool:
    """Whether a word in lower case is one whole token of the vocabulary: the 25,000 commonest of English."""
    static = importlib.import_module("tunewright.runtime.embed.static")
    return bool(static.knows(word))
