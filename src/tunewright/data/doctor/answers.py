"""Answers that stop early, that differ in form, or that speak of what is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import orjson

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.question import question
from tunewright.data.texts import counted

FORMAT = Telling(
    kind="inconsistent format",
    effect="the model picks a form by chance",
    fix="bring the answers into one form, or say in the question which one is wanted",
    harm=0.3,
)
REFERENCES = Telling(
    kind="unanswerable references",
    effect="the model learns to make up what it cannot see",
    fix="put what is referred to into the question, or leave these examples out",
    harm=0.6,
)
SHARE = Telling(
    kind="supervised share",
    effect="training spends its time on text that nothing is learned from, or there is no question",
    fix="shorten the questions, or look whether question and answer are in the right columns",
    harm=0.1,
)
FEWEST = 20
"""Answers that it takes to say what is usual."""
RARE = 0.1
"""Share of the answers up to which a form is out of the ordinary."""

LITTLE = 0.02
"""Share of the tokens of answers, or of questions, below which it is told."""

_TOKEN = re.compile(r"\w+|[^\w\s]")
_POINTED = (
    r"\b(?:see|attached|enclosed|in) (?:the |your |my )?"
    r"(?:attach\w*|enclos\w*|screenshot|image|picture|photo)\b|"
    r"\b(?:as|like) (?:I |we )?(?:\w+ )?(?:said|discussed|mentioned|agreed|explained|described) "
    r"(?:above|earlier|before|on the phone|by phone|yesterday|previously)\b|"
    r"\bas (?:I|we) (?:already |have |just )*(?:said|discussed|mentioned|agreed|explained)\b|"
    r"\b(?:please |kindly )?find (?:attached|enclosed)\b|\b(?:attached|enclosed) you will find\b|"
)
_ELSEWHERE = re.compile(
    _POINTED + r"\b(?:the (?:link|address|form|button|number|document|file|table|figure|list)|"
    r"click(?:ing)?|listed|see) (?:below|above)\b|"
    r"\b(?:our|my) (?:last|previous|earlier) (?:call|conversation|e-?mail|message|chat|meeting)\b",
    re.I,
)
"""What an answer may point at and a question must hold."""
_UNSEEN = re.compile(
    r"\b(?:attached|enclosed) (?:screenshot|image|picture|photo|file|document|report|invoice)s?\b|"
    r"\b(?:in|from|describe|caption|summari[sz]e) (?:the|this|my) (?:following )?"
    r"(?:screenshot|image|picture|photo)\b|\bas attached\b|"
    r"\b(?:screenshot|image|picture|photo|document|file) (?:above|below|attached)\b|"
    r"\bsee (?:the |my )?(?:attachment|enclosure|screenshot)s?\b",
    re.I,
)
"""What a question cannot show to a model that reads text."""
LONG = 60
"""Words of a question from which on such words are likely a part of a story."""
_BEHIND = 40
"""Letters behind `below` from which on what is pointed at may follow in the answer itself."""
_ASKED = {
    "a list": re.compile(
        r"\b(?:list|lists|bullet\w*|steps?|name|identify|classify|categori\w*|sort|group|examples|ways|reasons|"
        r"ideas|tips|order|rank|arrange|what are|which|some|several|two|three|four|five|six|ten|\d+)\b",
        re.I,
    ),
    "JSON": re.compile(r"\bjson\b", re.I),
    "Markdown headings": re.compile(r"\b(?:markdown|headings?|sections?)\b", re.I),
    "code in fences": re.compile(r"\b(?:code|function|script|program|snippet|sql|python|query)\b", re.I),
    "HTML tags": re.compile(r"\b(?:html|tags?|page)\b", re.I),
}
"""What a question says that wants an answer of that form."""


def _is_json(text: str) -> bool:
    try:
        return text.startswith(("{", "[")) and isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        return False


def _begins_large(text: str) -> bool:
    first = next((mark for mark in text if mark.isalnum()), "A")
    return not first.islower()


_FORMS: dict[str, Callable[[str], bool]] = {
    "JSON": _is_json,
    "a list": lambda text: len(re.findall(r"^[ \t]*(?:[-*•]|\d+[.)])\s", text, re.M)) >= 2,
    "Markdown headings": lambda text: bool(re.search(r"^#{1,4} ", text, re.M)),
    "code in fences": lambda text: "```" in text,
    "a first letter in upper case": _begins_large,
    "HTML tags": lambda text: bool(re.search(r"</?[a-z][^<>]*>", text)),
}


def formats(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers in a form that few have and no question asks for, or without one that nearly all have."""
    said = [(one, one.answer.strip()) for one in examples if one.answer and one.label is None]
    if len(said) < FEWEST:
        return
    suspects: dict[str, Suspect] = {}
    for name, has in _FORMS.items():
        having = [has(text) for _, text in said]
        rare = having.count(True) < having.count(False)
        odd = [
            pair
            for pair, found in zip(said, having, strict=True)
            if found is rare and not _wanted(pair[0], name)
        ]
        if 0 < len(odd) <= RARE * len(said):
            note = f"has {name}" if rare else f"does not have {name}"
            share = f"{having.count(not rare) / len(said):.0%} do" + (" not" if rare else "")
            for one, text in odd:
                suspects.setdefault(one.id, Suspect(one, text, f"{note}, where {share}"))
    if suspects:
        what = f"{counted(list(suspects), 'answer')} in another form than the rest"
        yield find(FORMAT, what, suspects.values(), len(examples))


def _wanted(example: Example, form: str) -> bool:
    return form in _ASKED and bool(_ASKED[form].search(question(example)))


def references(examples: Sequence[Example]) -> Iterator[Finding]:
    """Attachments, links and talks that a question or an answer points at and that are not there."""
    suspects = [Suspect(one, text, note) for one in examples for text, note in _pointing(one)]
    if suspects:
        count = counted(list({one.example.id for one in suspects}), "example")
        yield find(REFERENCES, f"{count} with mention of what is not there", suspects, len(examples))


def _pointing(example: Example) -> Iterator[tuple[str, str]]:
    """The question or the answer that points elsewhere, with what it says; one of them, at most."""
    asked = question(example)
    unseen = _UNSEEN.search(asked) if len(asked.split()) <= LONG else None
    said = example.answer if example.label is None else None
    pointed = _ELSEWHERE.search(said) if said else None
    if unseen:
        yield asked, f"asks about `{unseen.group()}`, which a text cannot hold"
    elif said and pointed and pointed.group().casefold() not in asked.casefold():
        follows = "below" in pointed.group().casefold() and len(said) - pointed.end() > _BEHIND
        if not follows:
            yield said, f"speaks of `{pointed.group()}`"


def supervised_share(examples: Sequence[Example]) -> Iterator[Finding]:
    """Data of which hardly anything, or nearly everything, would be learned from, in words and signs."""
    said = [one for one in examples if one.answer and one.label is None]
    trained = sum(len(_TOKEN.findall(one.answer or "")) for one in said)
    share = trained / max(1, trained + sum(len(_TOKEN.findall(question(one))) for one in said))
    if said and not LITTLE <= share <= 1 - LITTLE:
        what = f"answers are {share:.1%} of the tokens, and only answers are learned from"
        suspects = [Suspect(one, f"{question(one)} → {one.answer}") for one in said]
        yield find(SHARE, what, suspects, len(examples))
