"""Questions that are all alike, and examples that stand in training and in the test too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tunewright.core.types import Example, Split
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find, told_apart
from tunewright.data.question import question
from tunewright.data.texts import counted
from tunewright.runtime.near import near_matches, normalised

VARIETY = Telling(
    kind="low diversity",
    effect="the model learns the pattern of the questions instead of the task",
    fix="collect questions from other customers, times and channels",
    harm=0.3,
)
LEAKS = Telling(
    kind="leaked examples",
    effect="the test tells what was learned by heart, not what the model can do",
    fix="keep `data.split.overlap: remove`, or read the figures without them",
    harm=0.5,
)
SAME = 0.3
"""Share of the questions that begin alike from which on it is told."""
BEGINNING = 3
"""Words that make a beginning."""


def diversity(examples: Sequence[Example]) -> Iterator[Finding]:
    """Many questions that begin with the same words."""
    asked = told_apart([question(one) for one in examples])
    begins = [" ".join(normalised(text).split()[:BEGINNING]) for text in asked]
    if len(examples) < 20:
        return
    first, count = Counter(begins).most_common(1)[0]
    if count >= SAME * len(examples) and len(first.split()) == BEGINNING:
        suspects = [
            Suspect(one, question(one)) for one, start in zip(examples, begins, strict=True) if start == first
        ]
        what = f"{count / len(examples):.0%} of the questions begin with “{first}”"
        yield find(VARIETY, what, suspects, len(examples))


def leaks(splits: Mapping[Split, Sequence[Example]], near: float) -> Iterator[Finding]:
    """Evaluation examples whose question stands in training, too, or nearly."""
    known = {normalised(question(one)): one for one in splits["train"]}
    texts = list(known)
    suspects = []
    evaluated = [*splits["validation"], *splits["test"]]
    asked = [normalised(question(one)) for one in evaluated]
    nearest: dict[int, tuple[float, int]] = {}
    for pair in near_matches(asked, texts, near):
        nearest[pair.a] = max(nearest.get(pair.a, (0.0, 0)), (pair.similarity, pair.b))
    for place, (similarity, other) in sorted(nearest.items()):
        one, twin = evaluated[place], known[texts[other]]
        suspects.append(Suspect(one, question(one), f"{similarity:.2f} alike: {twin.source}"))
    if suspects:
        what = f"{counted(suspects, 'evaluation example')} of {len(evaluated):,} stand in training, too"
        yield find(LEAKS, what, suspects, len(evaluated))
