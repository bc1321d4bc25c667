"""Most near-duplicates, in time that grows with the number of texts.

Candidates come from MinHash (Broder, *On the Resemblance and Containment of Documents*, 1997; signatures by
rensa) and banding (Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, chapter 3): texts that
agree in all rows of a band. With 24 bands of 4 rows, a pair of similarity 0.6 is a candidate with probability
0.964, one of 0.7 with 0.9985, one of 0.9 always. A candidate whose signature agrees too rarely is left out
two standard deviations below the threshold; of the others the true Jaccard index is counted.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from tunewright.runtime.lazy import require
from tunewright.runtime.near.exact import near_pairs
from tunewright.runtime.near.grams import Pair, fitting, grams_of, normalised, verified

EXACT_UP_TO = 3000
"""So many texts are compared exactly: it costs about as much, and misses nothing."""

_BANDS = 24
_ROWS = 4
_NEIGHBOURS = 64
"""Texts of the same band that each is compared with: a thousand copies of a form make no million pairs."""
_SEED = 42
_BLOCK = 1 << 16
_MIX = 0x9E3779B97F4A7C15
_DEVIATIONS = 2


def likely_pairs(texts: Sequence[str], threshold: float) -> list[Pair]:
    """Pairs a < b of texts at least `threshold` alike: nearly all, and no other, sorted.

    Up to `EXACT_UP_TO` texts every pair is found.
    """
    return likely_normalised_pairs([normalised(text) for text in texts], threshold)


def likely_normalised_pairs(texts: Sequence[str], threshold: float) -> list[Pair]:
    """The same for texts that are `normalised` already."""
    if len(texts) <= EXACT_UP_TO:
        return sorted(near_pairs(texts, threshold))
    np = require("numpy", extra="all")
    grams = grams_of(texts)
    signatures = _signatures(grams)
    a, b = _candidates(signatures)
    sizes = np.diff(grams.indptr)
    fits = fitting((sizes, sizes), a, b, threshold)
    a, b = a[fits], b[fits]
    close = _close(signatures, a, b, threshold)
    found = verified((grams, grams), a[close], b[close], threshold)
    return [Pair(*pair) for block in found for pair in zip(*(part.tolist() for part in block), strict=True)]


def _signatures(grams: Any) -> Any:  # noqa: ANN401 - an array of uint32, texts × (bands · rows)
    np, rensa = require("numpy", extra="all"), require("rensa", extra="all")
    hashes = np.random.default_rng(_SEED).integers(0, 1 << 63, grams.shape[1], dtype=np.uint64)
    digests = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        hashes[grams.indices], grams.indptr.astype(np.uint64), _BANDS * _ROWS, _SEED
    )
    numbers = itertools.chain.from_iterable(digests.to_rows())
    return np.fromiter(numbers, np.uint32, grams.shape[0] * _BANDS * _ROWS).reshape(grams.shape[0], -1)


def _candidates(signatures: Any) -> tuple[Any, Any]:  # noqa: ANN401 - integer arrays
    """Different pairs that agree in a band, the smaller number first, in order."""
    np = require("numpy", extra="all")
    size = len(signatures)
    pairs = np.sort(np.concatenate([low * size + high for low, high in _agreeing(signatures)]))
    different = np.ones(len(pairs), bool)
    different[1:] = pairs[1:] != pairs[:-1]
    pairs = pairs[different]
    return pairs // size, pairs % size


def _agreeing(signatures: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - integer arrays
    """Pairs of each band; of a crowded one those that stand near each other when sorted."""
    np = require("numpy", extra="all")
    size = len(signatures)
    for band in range(_BANDS):
        key = np.zeros(size, np.uint64)
        for row in range(band * _ROWS, (band + 1) * _ROWS):
            key = key * np.uint64(_MIX) ^ signatures[:, row]
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.arange(size)
        for gap in range(1, _NEIGHBOURS + 1):
            first = first[first + gap < size]
            first = first[key[first] == key[first + gap]]
            one, two = order[first], order[first + gap]
            yield np.minimum(one, two), np.maximum(one, two)
            if not len(first):
                break


def _close(signatures: Any, a: Any, b: Any, threshold: float) -> Any:  # noqa: ANN401 - arrays
    """Which pairs agree in so many rows that they may be `threshold` alike; low bytes are compared."""
    np = require("numpy", extra="all")
    rows = _BANDS * _ROWS
    enough = rows * threshold - _DEVIATIONS * math.sqrt(rows * threshold * (1 - threshold))
    low = np.ascontiguousarray(signatures.astype(np.uint8))
    blocks = (slice(start, start + _BLOCK) for start in range(0, len(a), _BLOCK))
    return np.concatenate(
        [np.zeros(0, bool), *(_equal(low[a[part]], low[b[part]]) >= enough for part in blocks)]
    )


def _equal(left: Any, right: Any) -> Any:  # noqa: ANN401 - arrays
    """How many columns of each row agree, at most 255."""
    np = require("numpy", extra="all")
    return np.add.reduce(left == right, axis=1, dtype=np.uint8)
