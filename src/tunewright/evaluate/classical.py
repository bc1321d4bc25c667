"""The classical rung: a linear model that asks whether a language model is needed at all."""

from __future__ import annotations

import random
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunewright.core.errors import DataError
from tunewright.runtime.lazy import require

STRENGTHS = (0.3, 1.0, 3.0)
"""Values of C to choose from: how closely the model follows its training examples."""
HELD_OUT = 0.2
_MANY = 1000
"""Texts from which on a run of letters that occurs in one text only is left out."""
_require = partial(require, extra="all")


@dataclass(frozen=True)
class Classifier:
    """A fitted model that answers a text with one of its labels."""

    selection: str
    """How it was chosen, in words for the report."""
    _letters: Any
    _model: Any

    def predict(self, texts: Sequence[str]) -> list[str]:
        """One label a text; about a millisecond for a text asked alone."""
        if not texts:
            return []
        return [str(label) for label in self._model.predict(_features(self._letters, texts))]


def fit(texts: Sequence[str], labels: Sequence[str], *, seed: int = 0) -> Classifier:
    """A linear support vector machine on character and word n-grams beside the static embedding.

    Its strength C is the one that is right most often on a held-out fifth of what is given; then all of it is
    learned. Raises `DataError` where there are fewer than two labels.
    """
    if len(set(labels)) < 2:
        raise DataError(
            "a classifier needs examples of at least two labels",
            where=f"{len(texts)} training examples",
            fix="add examples of another label, or leave out the candidate `classical`",
        )
    strength, selection = _choose(texts, labels, seed)
    letters = _letters(texts)
    model = _machine(strength, seed, _features(letters, texts), labels)
    return Classifier(selection=selection, _letters=letters, _model=model)


def _choose(texts: Sequence[str], labels: Sequence[str], seed: int) -> tuple[float, str]:
    """The strength that is right most often on what was held out (the weakest of equals), and how it won."""
    what = "linear SVM on n-grams and static embeddings"
    learned, held_out = _hold_out(labels, seed)
    if not held_out:
        return STRENGTHS[1], f"{what}, C = {STRENGTHS[1]:g}: too few examples to choose it"
    letters = _letters([texts[i] for i in learned])
    known = _features(letters, [texts[i] for i in learned])
    unseen = _features(letters, [texts[i] for i in held_out])
    right = {}
    for strength in STRENGTHS:
        answers = _machine(strength, seed, known, [labels[i] for i in learned]).predict(unseen)
        right[strength] = sum(labels[i] == answer for i, answer in zip(held_out, answers, strict=True))
    best = max(STRENGTHS, key=right.__getitem__)
    score = f"{right[best]} of {len(held_out)} right"
    return best, f"{what}, C = {best:g}: best of {len(STRENGTHS)} on a held-out fifth of train ({score})"


def _hold_out(labels: Sequence[str], seed: int) -> tuple[list[int], list[int]]:
    """Positions to learn and to choose by: a fifth of every label, none of one that has a single example."""
    of_label: dict[str, list[int]] = defaultdict(list)
    for position, label in enumerate(labels):
        of_label[label].append(position)
    chance = random.Random(seed)
    held_out: set[int] = set()
    for positions in of_label.values():
        count = min(len(positions) - 1, round(HELD_OUT * len(positions)))
        held_out.update(chance.sample(positions, count))
    return [i for i in range(len(labels)) if i not in held_out], sorted(held_out)


def _letters(texts: Sequence[str]) -> Any:  # noqa: ANN401 - vectorisers of scikit-learn, which has no types
    """How often each run of letters and of words occurs in the texts, and so how much it tells."""
    vectoriser = partial(_require("sklearn.feature_extraction.text").TfidfVectorizer, sublinear_tf=True)
    least = 2 if len(texts) > _MANY else 1
    runs = [
        ("letters", vectoriser(analyzer="char_wb", ngram_range=(2, 5), min_df=least)),
        ("words", vectoriser(ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]")),
    ]
    return _require("sklearn.pipeline").FeatureUnion(runs).fit(texts)


def _features(letters: Any, texts: Sequence[str]) -> Any:  # noqa: ANN401 - a sparse matrix of SciPy, without types
    """Letters and words beside meanings, each of length 1, so that none outweighs another: (n, features)."""
    sparse = _require("scipy.sparse")
    meanings = _require("tunewright.runtime.embed").embed(texts)
    return sparse.hstack([sparse.csr_matrix(meanings), letters.transform(texts)], format="csr", dtype=float)


def _machine(strength: float, seed: int, features: Any, labels: Sequence[str]) -> Any:  # noqa: ANN401 - as above
    machine = _require("sklearn.svm").LinearSVC(C=strength, tol=1e-3, random_state=seed)
    with warnings.catch_warnings():
        # Not converged to the last digit is good enough to be compared with; its figure is what counts.
        warnings.simplefilter("ignore", _require("sklearn.exceptions").ConvergenceWarning)
        return machine.fit(features, list(labels))
