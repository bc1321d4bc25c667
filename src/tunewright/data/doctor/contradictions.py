"""Contradictory answers: the same question, or nearly, answered so that both cannot be right."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find, told_apart
from tunewright.data.doctor.words import COURTESY, WORD, content
from tunewright.data.question import question
from tunewright.data.texts import counted
from tunewright.runtime.near import near_matches, normalised

TELLING = Telling(
    kind="contradictory answers",
    effect="the model cannot learn both answers: it will be unsure of all questions like these",
    fix="decide on one answer for each, and take the others out",
    harm=1.0,
)
SEVERAL = Telling(
    kind="several answers",
    effect="harmless if all of them are right, but a test question that training answers too proves nothing",
    fix="name the column of the question as `data.columns.group`, so that they stay in one split",
    harm=0.2,
)
NEAR = 0.7
"""Questions at least this alike (Jaccard index of character 4-grams) may ask the same."""
SPELT = 0.85
"""Words at least this alike are one word, spelt in two ways."""
ALIKE = 0.5
"""Answers of which less than this share of words is common say different things."""
MANY, BY_DESIGN = 3, 0.2
"""Where this share of the examples ask what has so many answers, several answers are meant to be."""

_OPEN = re.compile(
    r"\b(?:generate|create|write|compose|invent|suggest|brainstorm|describe|rephrase|rewrite|come up with|"
    r"synonyms?|antonyms?|opposite|(?:an|some|\w+) examples?|ideas?)\b",
    re.I,
)
"""What has more than one right answer, where the question begins with it."""
_ASK = 80
_FIGURE = re.compile(r"\d[\d.,:/-]*")
_NO = frozenset(
    ["not", "no", "none", "never", "nothing", "cannot", "unable", "negative", "denies", "denied", "without"]
)
_FIRST = re.compile(r"(?<=[.!?])\s")

Asked = Mapping[str, Sequence[Example]]


def contradictions(examples: Sequence[Example]) -> Iterator[Finding]:
    """Pairs of questions that are the same or nearly so, and whose answers exclude each other."""
    asked = defaultdict[str, list[Example]](list)
    answered = [example for example in examples if example.answer is not None]
    texts = told_apart([question(example) for example in answered])
    for text, example in zip(texts, answered, strict=True):
        asked[normalised(text)].append(example)
    several = [one for same in asked.values() if len(_answers(same)) >= MANY for one in same]
    if len(several) >= BY_DESIGN * len(answered) > 0:
        what = f"{len(several):,} examples ask what has {MANY} answers or more"
        suspects = [Suspect(one, _both(one)) for one in several]
        yield find(SEVERAL, what, suspects, len(examples))
    else:
        yield from _contradictory(asked, len(examples))


def _answers(examples: Sequence[Example]) -> set[str]:
    return {normalised(one.answer or "") for one in examples}


def _contradictory(asked: Asked, looked_at: int) -> Iterator[Finding]:
    suspects: dict[str, Suspect] = {}
    distinct = list(asked)
    for pair in near_matches(distinct, distinct, NEAR):
        if (
            pair.a <= pair.b
            and content(distinct[pair.a])
            and same_question(distinct[pair.a], distinct[pair.b])
        ):
            for one, other in _pairs(asked[distinct[pair.a]], asked[distinct[pair.b]]):
                if reason := disagreement(one, other):
                    for this, that in ((one, other), (other, one)):
                        note = f"{reason}; see {that.source}"
                        suspects.setdefault(this.id, Suspect(this, _both(this), note))
    if suspects:
        what = f"{counted(list(suspects), 'example')} with another answer to what others ask, too"
        yield find(TELLING, what, suspects.values(), looked_at)


def _pairs(here: Sequence[Example], there: Sequence[Example]) -> Iterator[tuple[Example, Example]]:
    """Every pair of different examples; a question that stands very often is compared with its first."""
    for one in here[:20]:
        for other in there[:20]:
            if one.id != other.id:
                yield one, other


def same_question(one: str, other: str) -> bool:
    """Whether two normalised questions differ in courtesy and spelling only: in no figure, name or thing."""
    if one == other:
        return True
    here, there = one.split(), other.split()
    common = set(here) & set(there)
    left, right = (
        "".join(word for word in words if word not in common and word not in COURTESY)
        for words in (here, there)
    )
    if left == right:
        return True
    alike = difflib.SequenceMatcher(None, left, right, autojunk=False).ratio()
    return alike >= SPELT and not any(mark.isdigit() for mark in left + right)


def disagreement(one: Example, other: Example) -> str:
    """Why two answers to one question cannot both be right, or nothing."""
    if one.label is not None and other.label is not None:
        return f"labelled `{one.label}` here and `{other.label}` there" if one.label != other.label else ""
    here, there = one.answer or "", other.answer or ""
    if normalised(here) == normalised(there):
        return ""
    if _OPEN.search(question(one)[:_ASK]):
        return _strays(one, other)
    no, nay = _says_no(here), _says_no(there)
    if _apart(content(here), content(there)) and not (no and nay):
        return "the answers have little in common"
    if no != nay:
        return "one says no where the other does not"
    return "" if no and nay else _facts(one, other)


def _strays(one: Example, other: Example) -> str:
    """Whether of two answers to an open question one keeps to it and the other does not."""
    known = content(question(one)) | content(question(other))
    keeps = [bool(content(example.answer or "") & known) for example in (one, other)]
    return "only one of the answers speaks of what is asked" if keeps[0] != keeps[1] else ""


def _facts(one: Example, other: Example) -> str:
    """Figures that differ, or answers that add other words to those of the question."""
    here, there = one.answer or "", other.answer or ""
    figures, numbers = set(_FIGURE.findall(here)), set(_FIGURE.findall(there))
    if figures and numbers and not figures & numbers:
        return "the answers name other figures"
    known = content(question(one)) | content(question(other))
    new, others = content(here) - known, content(there) - known
    return "they say different things of the same" if new and others and not new & others else ""


def _apart(words: set[str], others: set[str]) -> bool:
    return len(words & others) / max(1, min(len(words), len(others))) < ALIKE


def _says_no(answer: str) -> bool:
    first = _FIRST.split(answer.strip(), maxsplit=1)[0]
    return bool(set(WORD.findall(first.casefold().replace("n't", " not"))) & _NO)


def _both(example: Example) -> str:
    return f"{question(example)} → {example.answer}"
