"""Sentences that stand in many answers, and apologies without end."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.texts import counted
from tunewright.runtime.near import normalised

BOILERPLATE = Telling(
    kind="boilerplate",
    effect="the model says it every time, and a part of training goes into learning it",
    fix="take it out with the transform `boilerplate`, or add it when the answer is sent",
    harm=0.3,
)
APOLOGY = Telling(
    kind="over-apology",
    effect="the model apologises where nothing happened",
    fix="take the apologies out where the company is not at fault",
    harm=0.3,
)
LEAST = 5
"""Words of a sentence that can be boilerplate."""
OFTEN = 0.003
"""A sentence that stands in this share of the answers is boilerplate, if it stands there often enough."""
TIMES = 3
MOST = 200
"""Sentences that are looked for in every answer."""
TWICE = 2
"""Apologies from which on it is too much."""
SHORT = 20
"""Words of an answer that does nothing but apologise."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_SORRY = re.compile(
    r"\b(?:sorry|apolog\w*|regret\w*|forgiv\w*|pardon\w*|mea culpa|remorse\w*|"
    r"(?<!not )(?:our|my) (?:fault|mistake|bad)|ashamed|embarrass\w*|inconvenience\w*)\b",
    re.I,
)
_OURS = re.compile(
    r"\b(?:I|we|us|our|my|me|please|apologies|forgive|pardon|sorry (?:for|about|to|that))\b", re.I
)
"""An apology is somebody's; a text about regret is none."""
_QUOTED = re.compile(r"""(?<!\w)['"“‘][^'"“”‘’]{1,200}['"”’](?!\w)""")


def boilerplate(examples: Sequence[Example]) -> Iterator[Finding]:
    """Sentences of some length that stand in many different answers, set off by a full stop or not."""
    said = [one for one in examples if one.answer and one.label is None]
    plain = [normalised(one.answer or "") for one in said]
    notes: dict[int, str] = {}
    often = _often(said, Counter(plain))
    for sentence, (shown, _) in often.items():
        places = [place for place, text in enumerate(plain) if sentence in text]
        for place in places:
            notes.setdefault(place, f"“{shown}” stands in {len(places)} answers")
    if notes:
        suspects = [Suspect(said[place], said[place].answer or "", note) for place, note in notes.items()]
        what = f"{counted(list(often), 'sentence')} found in many answers, in {len(suspects):,} altogether"
        yield find(BOILERPLATE, what, suspects, len(examples))


def _often(said: Sequence[Example], answers: Counter[str]) -> dict[str, tuple[str, int]]:
    """The sentences that stand in many answers and are not the whole of them, the most frequent first."""
    stands = defaultdict[str, set[int]](set)
    shown: dict[str, str] = {}
    for place, one in enumerate(said):
        for sentence in _SENTENCE.split(one.answer or ""):
            plain = normalised(sentence)
            if len(plain.split()) >= LEAST:
                stands[plain].add(place)
                shown.setdefault(plain, sentence.strip())
    enough = max(TIMES, OFTEN * len(said))
    often = {plain: len(places) for plain, places in stands.items() if len(places) >= enough}
    ranked = sorted(often.items(), key=lambda item: -item[1])
    return {plain: (shown[plain], count) for plain, count in ranked[:MOST] if answers[plain] < count}


def apologies(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers that apologise more than once, or do little else."""
    suspects = []
    for one in examples:
        said = _QUOTED.sub(" ", one.answer or "") if one.label is None else ""
        sentences = [part for part in _SENTENCE.split(said) if len(part.split()) > 1]
        sorry = [part for part in sentences if _SORRY.search(part) and _OURS.search(part)]
        words = sum(len(_SORRY.findall(part)) for part in sorry)
        more = sum(bool(_SORRY.search(part)) for part in sentences)
        only = len(sorry) == len(sentences) and len(said.split()) <= SHORT
        if sorry and (words >= TWICE or more >= TWICE or only):
            suspects.append(Suspect(one, one.answer or "", f"{max(words, more)} words of apology"))
    if suspects:
        what = f"{counted(suspects, 'answer')} with more than one apology, or with little else"
        yield find(APOLOGY, what, suspects, len(examples))
