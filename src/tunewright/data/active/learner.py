"""Two cheap models that learn while a person labels: one reads meanings, one letters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.data.active.pool import Pool
from tunewright.runtime.lazy import require

_STRENGTH = 30.0
_STEPS = 60
_SMOOTHING = 0.01


@dataclass(frozen=True)
class Guess:
    """What a model would say of a text, and how likely it thinks that is."""

    label: str
    confidence: float


def guesses(pool: Pool, labelled: Mapping[int, str], asked: Sequence[int]) -> list[Guess]:
    """A guess for each text asked about; none while fewer than two labels are known.

    `labelled` has the labels so far by position.
    """
    names = sorted(set(labelled.values()))
    if len(names) < 2 or not asked:
        return []
    chances = by_meaning(pool, labelled, names, asked)
    best = chances.argmax(axis=1)
    return [Guess(names[place], float(row[place])) for row, place in zip(chances, best.tolist(), strict=True)]


def by_meaning(pool: Pool, labelled: Mapping[int, str], names: Sequence[str], asked: Sequence[int]) -> Any:  # noqa: ANN401
    """How likely each label is for each text asked about, by logistic regression: (asked, names)."""
    linear = require("sklearn.linear_model", extra="all")
    model = linear.LogisticRegression(C=_STRENGTH, max_iter=_STEPS, tol=1e-3)
    return _chances(model, pool.meanings, labelled, names, asked)


def by_letters(pool: Pool, labelled: Mapping[int, str], names: Sequence[str], asked: Sequence[int]) -> Any:  # noqa: ANN401
    """The same by naive Bayes on runs of letters."""
    bayes = require("sklearn.naive_bayes", extra="all")
    return _chances(bayes.MultinomialNB(alpha=_SMOOTHING), pool.letters, labelled, names, asked)


def _chances(
    model: Any,  # noqa: ANN401 - of scikit-learn, which has no types
    features: Any,  # noqa: ANN401 - an array
    labelled: Mapping[int, str],
    names: Sequence[str],
    asked: Sequence[int],
) -> Any:  # noqa: ANN401 - an array
    """One thread: the products are small, and other work shares the cores."""
    place = {name: number for number, name in enumerate(names)}
    with require("threadpoolctl", extra="all").threadpool_limits(1):
        with warnings.catch_warnings():
            # Few steps and many labels of one text each are meant: it is fitted again and again.
            warnings.simplefilter("ignore")
            model.fit(features[list(labelled)], [place[label] for label in labelled.values()])
        return model.predict_proba(features[list(asked)])
