"""Answers that stop early, that differ in form, or that speak of what is not there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, counted, find
from tunewright.data.question import question

TRUNCATED = Telling(
    kind="truncated answers",
    effect="the model learns to stop in the middle of a sentence",
    remedy="fetch the whole answers, or leave these examples out",
    harm=0.7,
)
FORMAT = Telling(
    kind="inconsistent format",
    effect="the model picks a form by chance",
    remedy="bring the answers into one form, or say in the question which one is wanted",
    harm=0.3,
)
REFERENCES = Telling(
    kind="unanswerable references",
    effect="the model learns to make up what it cannot see",
    remedy="put what is referred to into the question, or leave these examples out",
    harm=0.6,
)
SHARE = Telling(
    kind="supervised share",
    effect="training spends its time on text that nothing is learned from, or there is no question",
    remedy="shorten the questions, or look whether question and answer are in the right columns",
    harm=0.1,
)
USUAL = 0.7
"""What this share of the answers has in common is the rule that the others break."""

LEAST = 5
"""Words of a last line that must end as a sentence does; headings and items of lists are shorter."""

_ITEM = re.compile(r"\s*(?:[-*•#|]|\d+[.)])\s")
_ENDS = (".", "!", "?", "…", '"', "”", "'", "’", ")", "]", "}", "`", ">", ":", ";", "*", "。", "！", "？")
_OPEN_ENDED = re.compile(
    r"(?:[,\-–(\[{]|\b(?:a|an|the|and|or|of|to|in|for|with|is|are|was|that|which|by|from))$", re.I
)
_UNFINISHED = {"(": ")", "[": "]", "{": "}"}
_ELSEWHERE = re.compile(
    r"\b(?:see|attached|enclosed|in) (?:the |your |my )?(?:attach\w*|enclos\w*|screenshot|image|figure|table|"
    r"picture|photo)\b|"
    r"\b(?:as|like) (?:I |we )?(?:\w+ )?(?:said|discussed|mentioned|agreed|explained|described)"
    r"(?: (?:above|earlier|before|on the phone|by phone|yesterday|previously))?\b|"
    r"\b(?:the (?:link|address|form|button|number|document|file)|click(?:ing)?|list(?:ed)?)"
    r" (?:below|above)\b|"
    r"\b(?:attached|enclosed) (?:you will find|please find|is|are)\b|\bplease find (?:attached|enclosed)\b|"
    r"\b(?:our|my) (?:last|previous|earlier) (?:call|conversation|e-?mail|message|chat|meeting)\b",
    re.I,
)


def truncated(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers that break off, where the others end with a sign that ends a sentence."""
    said = [(one, one.answer.rstrip()) for one in examples if one.answer and one.label is None]
    prose = [(one, text) for one, text in said if len(text.split()) >= 4]
    ended = sum(text.endswith(_ENDS) for _, text in prose)
    strict = len(prose) >= 20 and ended >= USUAL * len(prose)
    suspects = [Suspect(one, text, note) for one, text in prose if (note := _breaks_off(text, strict=strict))]
    if suspects:
        what = f"{counted(suspects, 'answer')} of {len(said):,} break off"
        yield find(TRUNCATED, what, suspects, len(examples))


def _breaks_off(text: str, *, strict: bool) -> str:
    if _OPEN_ENDED.search(text):
        return f"ends with `{text.split()[-1]}`"
    missing = [close for start, close in _UNFINISHED.items() if text.count(start) > text.count(close)]
    if missing:
        return f"a `{missing[0]}` is missing"
    last = text.splitlines()[-1]
    if strict and not text.endswith(_ENDS) and len(last.split()) >= LEAST and not _ITEM.match(last):
        return "no sign ends the last sentence"
    return ""


_FORMS: dict[str, Callable[[str], bool]] = {
    "JSON": lambda text: text[:1] in "{[" and text[-1:] in "}]",
    "a list": lambda text: len(re.findall(r"^\s*(?:[-*•]|\d+[.)])\s", text, re.M)) >= 2,
    "Markdown headings": lambda text: bool(re.search(r"^#{1,4} ", text, re.M)),
    "code in fences": lambda text: "```" in text,
    "a first letter in upper case": lambda text: text[:1].isupper(),
    "HTML tags": lambda text: bool(re.search(r"</?[a-z][^>]*>", text)),
}


def formats(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers in a form that few have, or without one that nearly all have."""
    said = [(one, one.answer.strip()) for one in examples if one.answer and one.label is None]
    if len(said) < 20:
        return
    suspects: dict[str, Suspect] = {}
    for name, has in _FORMS.items():
        odd = Counter(has(text) for _, text in said)
        rare, wanted = (True, False) if odd[True] < odd[False] else (False, True)
        if 0 < odd[rare] <= (1 - 0.9) * len(said):
            note = f"has {name}" if rare else f"does not have {name}"
            share = f"{odd[wanted] / len(said):.0%} do" + (" not" if rare else "")
            for one, text in said:
                if has(text) is rare:
                    suspects.setdefault(one.id, Suspect(one, text, f"{note}, where {share}"))
    if suspects:
        what = f"{counted(list(suspects), 'answer')} have another form than the rest"
        yield find(FORMAT, what, suspects.values(), len(examples))


def references(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers that point at an attachment, a link or a talk that the question does not hold."""
    suspects = []
    for one in examples:
        said = one.answer if one.label is None else None
        pointed = _ELSEWHERE.search(said) if said else None
        if said and pointed and pointed.group().casefold() not in question(one).casefold():
            suspects.append(Suspect(one, said, f"speaks of `{pointed.group()}`"))
    if suspects:
        what = f"{counted(suspects, 'answer')} speak of what is not in the question"
        yield find(REFERENCES, what, suspects, len(examples))


def supervised_share(examples: Sequence[Example]) -> Iterator[Finding]:
    """Data of which hardly anything, or nearly everything, would be learned from (in characters)."""
    pairs = [(len(question(one)), len(one.answer)) for one in examples if one.answer and one.label is None]
    asked, said = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    share = said / max(1, asked + said)
    if pairs and not 0.02 <= share <= 0.98:
        what = f"answers are {share:.1%} of the text"
        yield find(
            SHARE, what, [Suspect(one, one.answer or "") for one in examples if one.answer], len(examples)
        )
