"""A cheap learner for learning curves: kernel ridge regression on the static embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunewright.runtime.lazy import require

NAME = "kernel ridge regression on static embeddings"
LANDMARKS = 1000
"""Known texts that every text is compared with, at most: cost grows with their square."""

_SHARPNESS = 3.0
"""How quickly likeness falls with the angle; 3 beat 6 on three sets, whatever the strength."""
_STRENGTH = 0.1
_TINY = 1e-4


def features(texts: Sequence[str]) -> Any:  # noqa: ANN401 - an array of NumPy
    """What the learner knows of each text, (texts, 256)."""
    return require("tunewright.runtime.embed", extra="all").embed(texts)


def scores(known: Any, labels: Any, classes: int, asked: Any) -> Any:  # noqa: ANN401 - arrays
    """How much each asked text speaks for each class, (asked, classes); the largest is the answer.

    Least squares on class membership in the space of a Gaussian kernel, by the Nyström method (Williams and
    Seeger 2001, NIPS 13) with the first known texts as landmarks. `known` and `asked` are features, `labels`
    class numbers.
    """
    np, sparing = require("numpy", extra="all"), require("threadpoolctl", extra="all")
    marks = known[:LANDMARKS]
    with sparing.threadpool_limits(1):  # products this small lose by being shared among cores
        values, vectors = np.linalg.eigh(_alike(marks, marks))
        kept = values > _TINY
        into = vectors[:, kept] / np.sqrt(values[kept])
        seen = _alike(known, marks) @ into
        counts = np.bincount(labels, minlength=classes) / len(labels)
        sums = np.zeros((classes, seen.shape[1]), seen.dtype)
        np.add.at(sums, labels, seen)
        pull = sums.T - np.outer(seen.sum(axis=0), counts)
        square = seen.T @ seen + _STRENGTH * np.eye(seen.shape[1], dtype=seen.dtype)
        return _alike(asked, marks) @ into @ np.linalg.solve(square, pull) + counts


def _alike(some: Any, others: Any) -> Any:  # noqa: ANN401 - vectors of length 1 to a kernel matrix
    np = require("numpy", extra="all")
    return np.exp(_SHARPNESS * (some @ others.T - 1))
