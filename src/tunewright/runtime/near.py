"""Near-duplicates: texts that share most of their character 4-grams, found exactly.

Similarity is the Jaccard index of the sets of 4-grams of the normalised texts. Candidates come from
prefix filtering (Bayardo, Ma and Srikant, *Scaling Up All Pairs Similarity Search*, 2007): with the
grams of every text sorted from rare to frequent, two texts of similarity t or more share k of their
first |A| - ceil(t |A|) + k grams. Nothing is missed, so "no overlap remains" can be proven.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tunewright.runtime.lazy import require

THRESHOLD = 0.7
"""Similarity from which two texts count as near-duplicates."""

_GRAM = 4
_FILL = "\0"
_ROUNDING = 1e-9
_ROWS = 2048
_SHARED = 4
"""Grams that two prefixes must share: more prune better, but lengthen the prefixes (measured)."""
_PAIRS = 1 << 16


class Pair(NamedTuple):
    """Two texts by index and how alike they are, 0 to 1."""

    a: int
    b: int
    similarity: float


def normalised(text: str) -> str:
    """The text without what a reader would not call a difference: case, spacing, punctuation, form.

    Unicode NFKC and case folding; punctuation becomes a space; a text of nothing else keeps it.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(" " if unicodedata.category(mark)[0] == "P" else mark for mark in folded)
    return " ".join(bare.split()) or " ".join(folded.split())


def near_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[Pair]:
    """Every pair a < b of texts that are at least `threshold` alike."""
    return list(_pairs(texts, threshold))


def near_matches(queries: Sequence[str], corpus: Sequence[str], threshold: float = THRESHOLD) -> list[Pair]:
    """Every query `a` with every text `b` of the corpus that is at least `threshold` like it."""
    if not queries or not corpus:
        return []
    grams = _grams([*queries, *corpus])
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


def _pairs(texts: Sequence[str], threshold: float) -> Iterator[Pair]:
    if texts:
        grams = _grams(texts)
        prefixes = _prefixes(grams, threshold)
        matches = _matches((grams, grams), (prefixes, prefixes), threshold)
        yield from (pair for pair in matches if pair.a < pair.b)


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
        small, large = np.minimum(sizes[a], others[b]), np.maximum(sizes[a], others[b])
        fits = small >= threshold * large - _ROUNDING
        a, b = a[fits], b[fits]
        for i in range(0, len(a), _PAIRS):
            yield from _verified(grams, a[i : i + _PAIRS], b[i : i + _PAIRS], threshold)


def _verified(grams: tuple[Any, Any], a: Any, b: Any, threshold: float) -> Iterator[Pair]:  # noqa: ANN401
    np = require("numpy", extra="all")
    left, right = grams
    both = np.asarray(left[a].multiply(right[b]).sum(axis=1)).ravel()
    either = np.diff(left.indptr)[a] + np.diff(right.indptr)[b] - both
    alike = both / either
    keep = alike >= threshold - _ROUNDING
    for first, second, similarity in zip(a[keep], b[keep], alike[keep], strict=True):
        yield Pair(int(first), int(second), float(similarity))


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
    return np.ceil(threshold * sizes - _ROUNDING).astype(sizes.dtype)


def _shared(sizes: Any, threshold: float) -> Any:  # noqa: ANN401 - integer arrays
    """How many of them must stand in the prefix."""
    np = require("numpy", extra="all")
    return np.minimum(_SHARED, _least(sizes, threshold))


def _grams(texts: Sequence[str]) -> Any:  # noqa: ANN401 - a sparse matrix
    """Which text (row) has which 4-gram (column); columns go from rare to frequent."""
    np, sparse = require("numpy", extra="all"), require("scipy.sparse", extra="all")
    padded = [normalised(text).ljust(_GRAM, _FILL) for text in texts]
    marks = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    rows = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
    starts, ends = rows[: 1 - _GRAM], rows[_GRAM - 1 :]
    within = starts == ends
    numbers = _paired(_paired(marks, 1), 2)[within]
    shape = (len(padded), int(numbers.max()) + 1)
    grams = sparse.csr_matrix((np.ones(len(numbers), np.int32), (starts[within], numbers)), shape=shape)
    grams.data[:] = 1
    order = np.argsort(np.bincount(grams.indices, minlength=shape[1]), kind="stable")
    rank = np.empty(shape[1], grams.indices.dtype)
    rank[order] = np.arange(shape[1])
    ranked = sparse.csr_matrix((grams.data, rank[grams.indices], grams.indptr), shape=shape)
    ranked.sort_indices()
    return ranked


def _paired(numbers: Any, gap: int) -> Any:  # noqa: ANN401 - integer arrays
    """One number for each different pair of a number and the one `gap` places on."""
    np = require("numpy", extra="all")
    different, dense = np.unique(numbers, return_inverse=True)
    pairs = dense[:-gap].astype(np.int64) * len(different) + dense[gap:]
    return np.unique(pairs, return_inverse=True)[1]
