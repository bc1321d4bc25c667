"""Texts as sets of character 4-grams, and how alike two of them are."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tunewright.runtime.lazy import require

ROUNDING = 1e-9
"""What a threshold may be missed by, because 0.7 is no binary number."""

_GRAM = 4
_FILL = "\0"
_PAIRS = 1 << 16
_LARGEST_TABLE = 1 << 26
_MARKS = {mark: " " for mark in range(128) if unicodedata.category(chr(mark))[0] == "P"}


class Pair(NamedTuple):
    """Two texts by index and how alike they are, 0 to 1."""

    a: int
    b: int
    similarity: float


def normalised(text: str) -> str:
    """The text without what a reader would not call a difference: case, spacing, punctuation, form.

    Unicode NFKC and case folding; punctuation becomes a space; a text of nothing else keeps it.
    """
    if text.isascii():  # the same, ten times as fast
        folded = text.lower()
        bare = folded.translate(_MARKS)
    else:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
        bare = "".join(" " if unicodedata.category(mark)[0] == "P" else mark for mark in folded)
    return " ".join(bare.split()) or " ".join(folded.split())


def similarity(a: str, b: str) -> float:
    """Jaccard index of the 4-grams of two texts, 0 to 1."""
    left, right = _set(a), _set(b)
    return len(left & right) / len(left | right)


def _set(text: str) -> set[str]:
    padded = normalised(text).ljust(_GRAM, _FILL)
    return {padded[start : start + _GRAM] for start in range(len(padded) - _GRAM + 1)}


def grams_of(texts: Sequence[str]) -> Any:  # noqa: ANN401 - a `scipy.sparse.csr_matrix`
    """Which normalised text (row) has which 4-gram (column): ones in int32, columns sorted in each row."""
    np, sparse = require("numpy", extra="all"), require("scipy.sparse", extra="all")
    padded = [text.ljust(_GRAM, _FILL) for text in texts]
    marks = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    ends = np.cumsum(np.fromiter(map(len, padded), np.int64, len(padded)))
    within = np.ones(len(marks) - _GRAM + 1, bool)
    for over in range(1, _GRAM):
        within[ends[:-1] - over] = False
    numbers = _paired(_paired(marks, 1), 2)[within]
    rows = np.concatenate([[0], ends - (_GRAM - 1) * np.arange(1, len(padded) + 1)])
    shape = (len(padded), int(numbers.max()) + 1)
    grams = sparse.csr_matrix((np.ones(len(numbers), np.int32), numbers.astype(np.int32), rows), shape=shape)
    grams.sum_duplicates()
    grams.data[:] = 1
    return grams


def _paired(numbers: Any, gap: int) -> Any:  # noqa: ANN401 - integer arrays
    """One small number for each different pair of a number and the one `gap` places on."""
    np = require("numpy", extra="all")
    dense, different = _dense(numbers)
    pairs = dense[:-gap].astype(np.int64) * different + dense[gap:]
    return _dense(pairs)[0]


def _dense(numbers: Any) -> tuple[Any, int]:  # noqa: ANN401 - integer arrays
    """The numbers renamed 0, 1, 2 … in their order, and how many different ones there are."""
    np = require("numpy", extra="all")
    if int(numbers.max()) >= _LARGEST_TABLE:
        different, dense = np.unique(numbers, return_inverse=True)
        return dense, len(different)
    table = np.zeros(int(numbers.max()) + 1, np.int32)
    table[numbers] = 1
    np.cumsum(table, out=table)
    return table[numbers] - 1, int(table[-1])


def verified(grams: tuple[Any, Any], a: Any, b: Any, threshold: float) -> Iterator[tuple[Any, Any, Any]]:  # noqa: ANN401
    """Of rows `a` of the first matrix and `b` of the second those alike, with their Jaccard index.

    Integer arrays in, blocks of three arrays out.
    """
    np = require("numpy", extra="all")
    left, right = grams
    sizes, others = np.diff(left.indptr), np.diff(right.indptr)
    for start in range(0, len(a), _PAIRS):
        one, two = a[start : start + _PAIRS], b[start : start + _PAIRS]
        both = np.asarray(left[one].multiply(right[two]).sum(axis=1)).ravel()
        alike = both / (sizes[one] + others[two] - both)
        keep = alike >= threshold - ROUNDING
        yield one[keep], two[keep], alike[keep]


def fitting(sizes: tuple[Any, Any], a: Any, b: Any, threshold: float) -> Any:  # noqa: ANN401
    """Which pairs are near enough in size to be alike at all."""
    np = require("numpy", extra="all")
    small, large = np.minimum(sizes[0][a], sizes[1][b]), np.maximum(sizes[0][a], sizes[1][b])
    return small >= threshold * large - ROUNDING
