"""Two candidates on the same examples: the paired difference, its interval and its test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewright.core.types import Comparison, Score
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.aggregate import resampled
from tunewright.runtime.measure.ports import Scorer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MCNEMAR = "McNemar"
PERMUTATION = "paired permutation"


def compare(
    scorer: Scorer,
    metric: str,
    a: tuple[str, Sequence[Score]],
    b: tuple[str, Sequence[Score]],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Comparison:
    """Candidate `a` minus candidate `b`, each a name and its scores on the same examples."""
    stats = require("tunewright.core.stats", extra="train")
    (name_a, scores_a), (name_b, scores_b) = a, b
    difference = scorer.combine(scores_a) - scorer.combine(scores_b)
    if scorer.by_mean:
        # The same interval as below, without a Python call for each resample.
        differences = [x.value - y.value for x, y in zip(scores_a, scores_b, strict=True)]
        interval = stats.bootstrap_mean(differences, confidence=confidence, seed=seed)
    else:
        of_a, of_b = resampled(scorer, scores_a), resampled(scorer, scores_b)

        def difference_of(indices: NDArray[np.intp]) -> float:
            return of_a(indices) - of_b(indices)

        interval = stats.paired_bootstrap(difference_of, len(scores_a), confidence=confidence, seed=seed)
    p_value, test, needed = _test(scores_a, scores_b, seed)
    return Comparison(
        a=name_a,
        b=name_b,
        metric=metric,
        difference=difference,
        low=min(interval.low, difference),
        high=max(interval.high, difference),
        p_value=p_value,
        test=test,
        needed=needed,
    )


def _test(a: Sequence[Score], b: Sequence[Score], seed: int) -> tuple[float, str, int | None]:
    """P-value, the test's name, and the examples needed: McNemar on right and wrong, else permutation."""
    stats = require("tunewright.core.stats", extra="train")
    values_a, values_b = [score.value for score in a], [score.value for score in b]
    if any(value not in (0.0, 1.0) for value in (*values_a, *values_b)):
        return float(stats.paired_permutation(values_a, values_b, seed=seed)), PERMUTATION, None
    right_a, right_b = [value == 1.0 for value in values_a], [value == 1.0 for value in values_b]
    p_value = float(stats.mcnemar(right_a, right_b))
    discordant = sum(x != y for x, y in zip(right_a, right_b, strict=True)) / max(len(a), 1)
    difference = (sum(right_a) - sum(right_b)) / max(len(a), 1)
    needed = int(stats.needed_examples(abs(difference), discordant)) if difference else None
    return p_value, MCNEMAR, needed
