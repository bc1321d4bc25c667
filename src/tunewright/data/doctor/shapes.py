"""Prompt templates that stand inside the texts, and preference pairs that prefer nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.question import question
from tunewright.data.texts import counted
from tunewright.runtime.near import normalised

TEMPLATE = Telling(
    kind="prompt template",
    effect="the model's own template is put around another one, which nobody will write when it is asked",
    fix="take it out, so that question and answer are left; the chat template is added for you",
    harm=0.6,
)
PREFERENCE = Telling(
    kind="empty preference",
    effect="a pair that prefers nothing teaches nothing, and a pair that stands both ways undoes itself",
    fix="leave these pairs out, or write the answer that is not wanted anew",
    harm=0.8,
)
_MARKS = re.compile(
    r"^[ \t]*#{2,3} ?(?:Instruction|Input|Response|Human|Assistant|User|System|Question|Answer)s?:|"
    r"<\|?(?:im_start|im_end|endoftext|eot_id|start_header_id|system|user|assistant|end)\|?>|"
    r"\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|</?s>",
    re.M | re.I,
)
"""What templates put around turns, customary with base and chat models alike."""
_ASKS = re.compile(r"^[ \t]*(?:Human|User|Question|Q|Instruction):", re.M | re.I)
_ANSWERS = re.compile(r"^[ \t]*(?:Assistant|AI|Bot|Answer|A|Response):[ \t]*$", re.M | re.I)
"""A line of this behind one of the other is a template, too."""


def templates(examples: Sequence[Example]) -> Iterator[Finding]:
    """Texts that carry the marks of a prompt template."""
    marks = Counter[str]()
    suspects = []
    for one in examples:
        text = f"{question(one)}\n" if one.label is not None else f"{question(one)}\n{one.answer or ''}"
        if mark := _mark(text):
            marks[mark] += 1
            suspects.append(Suspect(one, text, f"`{mark}`"))
    if suspects:
        commonest = ", ".join(f"`{mark}`" for mark, _ in marks.most_common(2))
        what = f"{counted(suspects, 'example')} with the marks of a prompt template, such as {commonest}"
        yield find(TEMPLATE, what, suspects, len(examples))


def _mark(text: str) -> str:
    """The first mark of a template in a text, or nothing."""
    asks = _ASKS.search(text)
    found = _MARKS.search(text) or (asks and _ANSWERS.search(text, asks.end()) and asks)
    return found.group().strip() if found else ""


def preferences(examples: Sequence[Example]) -> Iterator[Finding]:
    """Pairs whose two answers are the same, and pairs that stand the other way round elsewhere."""
    pairs = {
        (normalised(question(one)), normalised(one.answer or ""), normalised(one.rejected)): one
        for one in examples
        if one.rejected is not None and one.answer is not None
    }
    suspects = []
    for (asked, chosen, rejected), one in pairs.items():
        if chosen == rejected:
            suspects.append(Suspect(one, one.answer or "", "chosen and rejected say the same"))
        elif twin := pairs.get((asked, rejected, chosen)):
            suspects.append(Suspect(one, one.answer or "", f"the other way round in {twin.source}"))
    if suspects:
        what = f"{counted(suspects, 'pair')} of {len(pairs):,} without a preference"
        yield find(PREFERENCE, what, suspects, len(examples))
