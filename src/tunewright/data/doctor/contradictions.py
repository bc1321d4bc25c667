"""Contradictory answers: the same question, or nearly, answered so that both cannot be right."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, counted, find, told_apart
from tunewright.data.question import question
from tunewright.runtime.near import near_matches, normalised

TELLING = Telling(
    kind="contradictory answers",
    effect="the model cannot learn both answers: it will be unsure of all questions like these",
    remedy="decide on one answer for each, and take the others out",
    harm=1.0,
)
NEAR = 0.85
"""Questions at least this alike (Jaccard index of character 4-grams) ask the same."""
ALIKE = 0.5
"""Answers of which less than this share of words is common say different things."""

_WORD = re.compile(r"\w+")
_FIGURE = re.compile(r"\d[\d.,:/-]*")
_NO = frozenset({"not", "no", "never", "cannot", "can't", "won't", "don't", "isn't", "doesn't", "unable"})


def contradictions(examples: Sequence[Example]) -> Iterator[Finding]:
    """Pairs of questions that are the same or nearly so, and whose answers exclude each other."""
    asked = defaultdict[str, list[Example]](list)
    answered = [example for example in examples if example.answer is not None]
    texts = told_apart([question(example) for example in answered])
    for text, example in zip(texts, answered, strict=True):
        asked[normalised(text)].append(example)
    suspects: dict[str, Suspect] = {}
    distinct = list(asked)
    for pair in near_matches(distinct, distinct, NEAR):
        if pair.a <= pair.b:
            for one, other in _pairs(asked[distinct[pair.a]], asked[distinct[pair.b]]):
                if reason := disagreement(one, other):
                    for this, that in ((one, other), (other, one)):
                        note = f"{reason}; see {that.source}"
                        suspects.setdefault(this.id, Suspect(this, _both(this), note))
    if suspects:
        what = f"{counted(list(suspects), 'example')} ask what another asks too and are answered otherwise"
        yield find(TELLING, what, suspects.values(), len(examples))


def _pairs(here: Sequence[Example], there: Sequence[Example]) -> Iterator[tuple[Example, Example]]:
    """Every pair of different examples; a question that stands very often is compared with its first."""
    for one in here[:20]:
        for other in there[:20]:
            if one.id != other.id:
                yield one, other


def disagreement(one: Example, other: Example) -> str:
    """Why two answers to one question cannot both be right, or nothing."""
    if one.label is not None and other.label is not None:
        return f"labelled `{one.label}` here and `{other.label}` there" if one.label != other.label else ""
    here, there = one.answer or "", other.answer or ""
    if normalised(here) == normalised(there):
        return ""
    words, others = _words(here), _words(there)
    common = len(words & others) / max(1, min(len(words), len(others)))
    if common < ALIKE:
        return "the answers have little in common"
    if bool(words & _NO) != bool(others & _NO):
        return "one says no where the other does not"
    figures, numbers = set(_FIGURE.findall(here)), set(_FIGURE.findall(there))
    if figures and numbers and not figures & numbers:
        return "the answers name other figures"
    return ""


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold().replace("n't", " not")))


def _both(example: Example) -> str:
    return f"{question(example)} → {example.answer}"
