"""The texts to choose from, read once by meaning and by letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.runtime.lazy import require

_LETTERS = 1 << 16


@dataclass(frozen=True)
class Pool:
    """Texts as numbers; which of them are labelled is said when one asks."""

    meanings: Any
    """Static embeddings of length 1: (n, 256)."""
    letters: Any
    """Runs of two to four letters, hashed, sparse: (n, 65,536)."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> Pool:
        """Read the texts: a second for 5,000 short ones."""
        text = require("sklearn.feature_extraction.text", extra="all")
        runs = text.HashingVectorizer(
            analyzer="char_wb", ngram_range=(2, 4), n_features=_LETTERS, alternate_sign=False
        )
        meanings = require("tunewright.runtime.embed", extra="all").embed(texts)
        return cls(meanings, runs.transform(texts))

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self.meanings)
