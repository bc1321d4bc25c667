"""Answers that stop early, that differ in form, or that speak of what is not there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, counted, find
from tunewright.data.question import question

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
