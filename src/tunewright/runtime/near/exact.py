"""Every near-duplicate, with nothing missed.

Candidates come from prefix filtering (Bayardo, Ma and Srikant, *Scaling Up All Pairs Similarity
Search*, 2007): with the grams of every text sorted from rare to frequent, two texts of similarity t or more
share k of their first |A| - ceil(t |A|) + k grams. Nothing is missed, so "no overlap remains" can be
proven.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tunewright.runtime.lazy import require
from tunewright.runtime.near.grams import ROUNDING, Pair, fitting, grams_of, normalised, verified

THRESHOLD = 0.7
"""Similarity from which two texts count as near-duplicates."""

_ROWS = 2048
_SHARED = 4
"""Grams that two prefixes must share: more prune better, but lengthen the prefixes (measured)."""


def near_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[Pair]:
    """Every pair a < b of texts that are at least `threshold` alike."""
    return list(_pairs(texts, threshold))


def near_matches(queries: Sequence[str], corpus: Sequence[str], threshold: float = THRESHOLD) -> list[Pair]:
    """Every query `a` with every text `b` of the corpus that is at least `threshold` like it."""
    if not queries or not corpus:
        return []
    grams = _ranked([*queries, *corpus])
    prefixes = _prefixes(grams, threshold)
    cut = len(queries)
    return list(_matches((grams[:cut], grams[cut:]), (prefixes[:cut], prefixes[cut:]), threshold))


def clusters(texts: Sequence[str], threshold: float = THRESHOLD) -> list[int]:
    """For each text the first text of its cluster: what near-duplicates connect, however indirectly."""
    places: dict[str, int] = {}
    same = [places.setdefault(normalised(text), place) for place, text in enumerate(texts)]
    firsts = list(places.values())
    alike = ((firsts[pair.a], firsts[pair.b]) for pair in _pairs(list(places), threshold))
    return connected(len(texts), itertools.chain(enumerate(same), alike))


def connected(size: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `size` things the first thing that a chain of pairs connects it to."""
    first = list(range(size))

    def root(thing: int) -> int:
        while first[thing] != thing:
            first[thing] = first[first[thing]]
            thing = first[thing]
        return thing

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        first[high] = low
    return [root(thing) for thing in range(size)]


def _pairs(texts: Sequence[str], threshold: float) -> Iterator[Pair]:
    if texts:
        grams = _ranked(texts)
        prefixes = _prefixes(grams, threshold)
        matches = _matches((grams, grams), (prefixes, prefixes), threshold)
        yield from (pair for pair in matches if pair.a < pair.b)


def _matches(grams: tuple[Any, Any], prefixes: tuple[Any, Any], threshold: float) -> Iterator[Pair]:
    """Verified pairs of a row of the first matrix and a row of the second."""
    np = require("numpy", extra="all")
    sizes, others = np.diff(grams[0].indptr), np.diff(grams[1].indptr)
    turned = prefixes[1].T.tocsr()
    for start in range(0, len(sizes), _ROWS):
        shared = (prefixes[0][start : start + _ROWS] @ turned).tocoo()
        a, b = shared.row + start, shared.col
        enough = shared.data >= np.minimum(_shared(sizes[a], threshold), _shared(others[b], threshold))
        a, b = a[enough], b[enough]
        fits = fitting((sizes, others), a, b, threshold)
        for found in verified(grams, a[fits], b[fits], threshold):
            yield from itertools.starmap(Pair, zip(*(part.tolist() for part in found), strict=True))


def _prefixes(grams: Any, threshold: float) -> Any:  # noqa: ANN401 - sparse matrices
    """The first, rarest grams of each row: as many as two texts that are alike must share some of."""
    np, sparse = require("numpy", extra="all"), require("scipy.sparse", extra="all")
    sizes = np.diff(grams.indptr)
    lengths = sizes - _least(sizes, threshold) + _shared(sizes, threshold)
    place = np.arange(grams.nnz) - np.repeat(grams.indptr[:-1], sizes)
    keep = place < np.repeat(lengths, sizes)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    return sparse.csr_matrix((grams.data[keep], grams.indices[keep], indptr), shape=grams.shape)


def _least(sizes: Any, threshold: float) -> Any:  # noqa: ANN401 - integer arrays
    """Grams that a set of each size has in common with any set that is alike, at the least."""
    np = require("numpy", extra="all")
    return np.ceil(threshold * sizes - ROUNDING).astype(sizes.dtype)


def _shared(sizes: Any, threshold: float) -> Any:  # noqa: ANN401 - integer arrays
    """How many of them must stand in the prefix."""
    np = require("numpy", extra="all")
    return np.minimum(_SHARED, _least(sizes, threshold))


def _ranked(texts: Sequence[str]) -> Any:  # noqa: ANN401 - a sparse matrix
    """Which text (row) has which 4-gram (column); columns go from rare to frequent."""
    np, sparse = require("numpy", extra="all"), require("scipy.sparse", extra="all")
    grams = grams_of([normalised(text) for text in texts])
    order = np.argsort(np.bincount(grams.indices, minlength=grams.shape[1]), kind="stable")
    rank = np.empty(grams.shape[1], grams.indices.dtype)
    rank[order] = np.arange(grams.shape[1])
    ranked = sparse.csr_matrix((grams.data, rank[grams.indices], grams.indptr), shape=grams.shape)
    ranked.sort_indices()
    return ranked
