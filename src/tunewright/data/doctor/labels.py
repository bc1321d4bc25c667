"""Suspected label errors, by a model that never saw them, and classes of very different size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.question import question
from tunewright.data.texts import counted
from tunewright.runtime.lazy import require

ERRORS = Telling(
    kind="suspected label errors",
    effect="wrong labels teach wrong answers, and hide in the test set what the model does right",
    fix="look at these first; correct the labels, or leave the examples out",
    harm=0.8,
)
IMBALANCE = Telling(
    kind="imbalance",
    effect="rare classes are answered with frequent ones",
    fix="add examples of the rare classes, or judge by macro-F1",
    harm=0.3,
)
FOLDS = 4
FEWEST = 5
"""A class with fewer examples is not judged: nothing could be learned without the one in question."""
ODDS = 12.0
"""How many times likelier another label must be than the one that was given."""
LEARNABLE = 0.3
"""Share of the errors of always answering the commonest label that the model must avoid to be believed."""
TIMES = 10
"""Classes that differ in size by more than this are told."""


def label_errors(examples: Sequence[Example], seed: int = 0) -> Iterator[Finding]:
    """Examples whose label a model that never saw them thinks far less likely than another.

    Out-of-fold probabilities of a logistic regression on static embeddings; the least likely labels first.
    Nothing is said where the model hardly beats the commonest label: it has no right to doubt.
    """
    np = require("numpy", extra="all")
    counts = Counter(example.label for example in examples if example.label is not None)
    judged = [one for one in examples if one.label is not None and counts[one.label] >= FEWEST]
    names = sorted({one.label for one in judged if one.label is not None})
    if len(names) < 2:
        return
    number = {name: place for place, name in enumerate(names)}
    given = np.asarray([number[one.label or ""] for one in judged])
    chances = _chances([question(one) for one in judged], given, seed)
    best = chances.argmax(axis=1)
    if (best != given).mean() > (1 - LEARNABLE) * (1 - max(np.bincount(given)) / len(given)):
        return
    odds = chances.max(axis=1) / np.maximum(chances[np.arange(len(given)), given], 1e-12)
    suspects = [
        Suspect(
            judged[place],
            question(judged[place]),
            f"labelled `{judged[place].label}`, looks like `{names[best[place]]}` ({odds[place]:.0f} : 1)",
        )
        for place in np.argsort(-odds)
        if odds[place] > ODDS
    ]
    if suspects:
        what = f"{counted(suspects, 'label')} of {len(judged):,} likely wrong"
        yield find(ERRORS, what, suspects, len(examples))


def _chances(texts: list[str], given: Any, seed: int) -> Any:  # noqa: ANN401 - arrays of NumPy
    """Out-of-fold probability of every class for every text, (texts, classes)."""
    linear = require("sklearn.linear_model", extra="all")
    selection = require("sklearn.model_selection", extra="all")
    meanings = require("tunewright.runtime.embed", extra="all").embed(texts)
    model = linear.LogisticRegression(C=10.0, max_iter=100, tol=1e-3)
    folds = selection.StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    with require("threadpoolctl", extra="all").threadpool_limits(1):  # quicker than shared among cores
        return selection.cross_val_predict(model, meanings, given, cv=folds, method="predict_proba")


def imbalance(examples: Sequence[Example]) -> Iterator[Finding]:
    """Classes of which one has many times the examples of another."""
    counts = Counter(example.label for example in examples if example.label is not None)
    if len(counts) < 2:
        return
    (most, many), (least, few) = counts.most_common(1)[0], counts.most_common()[-1]
    if many <= TIMES * few:
        return
    rare = [one for one in examples if one.label is not None and many > TIMES * counts[one.label]]
    suspects = [
        Suspect(one, question(one), f"`{one.label}` has {counts[one.label or '']} examples") for one in rare
    ]
    what = f"`{most}` has {many:,} examples and `{least}` has {few}"
    yield find(IMBALANCE, what, suspects, len(examples))
