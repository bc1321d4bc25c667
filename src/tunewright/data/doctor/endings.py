"""Answers that stop early: told by how the other answers of the same data end."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.types import Example
from tunewright.data.doctor.finding import Finding, Suspect, Telling, find
from tunewright.data.texts import counted
from tunewright.runtime.lazy import require

TRUNCATED = Telling(
    kind="truncated answers",
    effect="the model learns to stop in the middle of a sentence",
    fix="fetch the whole answers, or leave these examples out",
    harm=0.7,
)
FEWEST = 20
"""Answers that end with a sign, without which nothing is known of how answers end."""
USUAL = 0.6
"""Share of the answers that must do so."""
SURE = 0.5
"""Probability from which on an answer counts as cut."""

_SIGNS = tuple(".!?…\"”'’)]}`>:;*|。！？」")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NEVER_LAST = re.compile(
    r"(?:[,–({\[]|\s-|\b(?:a|an|the|and|or|but|than|because|their|its|my|your|our|whose|it's))$", re.I
)
_UNFINISHED = {"(": ")", "[": "]", "{": "}"}
_FACE = re.compile(r"[:;]-?[(\[]|[(\[]-?[:;]")
_QUOTE = re.compile(r"""(?:^|[\s(])["'“‘]\w[^"'”’]*$""")
_ENTRY = re.compile(r"\s*(?:[-*•#|]|\d+[.)])\s|(?:.*[\s,;])?[^\W\d_][\w ]{0,30}(?::| -)\s")
"""`- a passport` and `Fish: trout` are entries, which no sign ends."""
LONGEST_ENTRY = 8
"""Words of a line that may be an entry."""
_ROUNDS = 20

Habit = tuple[object, ...]
"""What is known of a last word: how often it ends sentences, or that it stands nowhere else."""


@dataclass(frozen=True)
class Words:
    """The words of a data set and how many of their sentences end with them."""

    count: Counter[str]
    last: Counter[str]
    known: Callable[[str], bool]
    """Whether a word is a common English one."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> Words:
        """Counted over all texts."""
        count, last = Counter[str](), Counter[str]()
        for text in texts:
            for found in _WORD.finditer(text.casefold()):
                count[found.group()] += 1
                last[found.group()] += text[found.end() : found.end() + 1] in (*".!?…。！？",)
        return cls(count, last, require("tunewright.runtime.embed", extra="all").knows)

    def habit(self, text: str, *, ends: bool) -> Habit:
        """The habit of the last word of a text that stands among those counted; `ends` if with a sign."""
        word = (_WORD.findall(text) or [""])[-1]
        plain = word.casefold()
        count, last = self.count[plain] - 1, self.last[plain] - ends
        if count <= 0:
            return ("new", self.known(plain), word.islower(), word.isdigit())
        return ("old", min(3, 5 * last // count))


@dataclass(frozen=True)
class Model:
    """How likely each habit is where an answer is whole and where it is cut."""

    words: Words
    whole: Counter[Habit]
    cut: Counter[Habit]

    @classmethod
    def of(cls, ended: Sequence[str], words: Words) -> Model:
        """From answers that end with a sign: as they are, and cut anywhere behind their first third."""
        chance = random.Random(0)
        whole = Counter(words.habit(text, ends=True) for text in ended)
        parts = [text[: chance.randint(len(text) // 3, len(text) - 1)].rstrip() for text in ended]
        cut = Counter(words.habit(part, ends=False) for part in parts if part and part[-1].isalnum())
        return cls(words, whole, cut)

    def chances(self, texts: Sequence[str]) -> list[float]:
        """How likely each of the texts is cut; their share is estimated from all of them (EM)."""
        habits = [self.words.habit(text, ends=False) for text in texts]
        kinds = len({*self.whole, *self.cut, *habits})
        ratios = [
            (self.cut[habit] + 0.5)
            / (self.cut.total() + 0.5 * kinds)
            * (self.whole.total() + 0.5 * kinds)
            / (self.whole[habit] + 0.5)
            for habit in habits
        ]
        share, found = 0.5, list[float]()
        for _ in range(_ROUNDS):
            found = [share * ratio / (share * ratio + 1 - share) for ratio in ratios]
            share = (sum(found) + 1) / (len(found) + 2)
        return found


def truncated(examples: Sequence[Example]) -> Iterator[Finding]:
    """Answers that break off, judged by how the others end and which words end sentences in them."""
    said = [
        (one, text)
        for one in examples
        if one.label is None and one.answer and len((text := one.answer.rstrip()).split()) > 1
    ]
    notes = [_breaks_off(text) for _, text in said]
    for place, chance in _suspected([text for _, text in said], examples):
        notes[place] = notes[place] or (f"seems cut ({chance:.0%} sure)" if chance >= SURE else "")
    suspects = [Suspect(one, text, note) for (one, text), note in zip(said, notes, strict=True) if note]
    if suspects:
        what = f"{counted(suspects, 'answer')} of {len(said):,} cut short"
        yield find(TRUNCATED, what, suspects, len(examples))


def _breaks_off(text: str) -> str:
    if _NEVER_LAST.search(text):
        return f"ends with `{text.split()[-1]}`"
    plain = _FACE.sub("", text)
    missing = [close for start, close in _UNFINISHED.items() if plain.count(start) > plain.count(close)]
    if missing:
        return f"a `{missing[0]}` is missing"
    return "a quotation is not closed" if _QUOTE.search(text) else ""


def _suspected(texts: Sequence[str], examples: Sequence[Example]) -> Iterator[tuple[int, float]]:
    """Places of answers without a sign at their end, with how likely each is cut."""
    ended = [text for text in texts if text.endswith(_SIGNS)]
    if len(ended) < max(FEWEST, USUAL * len(texts)):
        return
    asked = [turn.content for one in examples for turn in one.prompt]
    model = Model.of(ended, Words.of([*texts, *asked]))
    bare = [
        place for place, text in enumerate(texts) if text[-1].isalnum() and not _entry(text.splitlines()[-1])
    ]
    yield from zip(bare, model.chances([texts[place] for place in bare]), strict=True)


def _entry(line: str) -> bool:
    return len(line.split()) <= LONGEST_ENTRY and bool(_ENTRY.match(line))
