"""Names of persons, places and organisations: word lists, capital letters and the words beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from tunewright.runtime.redact.gazetteer import COMMON, FIRST, LAST, PLACE, load
from tunewright.runtime.redact.kinds import Finding
from tunewright.runtime.redact.vocabulary import NEVER_NAMES, ORGANISATION_ENDS, PARTICLES, TITLES

_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_ENDS = re.compile(r"[.!?:\n\"“]")
"""What ends a sentence or opens a new one."""
_PERSON_BEFORE = re.compile(
    r"(?:\bname(?:\sis|'s|:|\sto|\swas)?|\bnamed|\bcalled|\bcalls me|\bcall me|\bi'?m|\bi am|\bthis is|"
    r"\bdear|\bhi|"
    r"\bhello|\bhey|\bsaid|\bsays|\basked|\btold|\bwith|\bmet|\bto|\bby|\bstarring|\bfrom|\bunder|\badd|"
    r"\bhim|\bher|"
    r"\bwriter|\bcommenter|\bplayer|\bsongwriter|\bcolleague|\bfriend|\bbrother|\bsister|\bwife|"
    r"\bhusband|\bson|"
    r"\bdaughter|\bdoctor|\bnurse|\bpatient|\bpartner's name|\bcustomer|\bagent|\bregards,?|\bthanks,?|"
    r"\bsincerely,?|"
    r"\bcheers,?|\battn:?|\bcontact|\bwhy is|\bhave you heard|\bmaiden name is|\bleave me)\W{0,4}\Z"
)
_PERSON_AFTER = re.compile(
    r"(?:['’]s\b|,? (?:said|says|asked|told|wrote|lives?|lived|works?|worked|called|named|spent|was born|"
    r"is from|"
    r"listed|had given|speak|just|who|can i|is a very)\b|:|,? \d{1,3} years)",
    re.I,
)
_PLACE_BEFORE = re.compile(
    r"\b(?:in|from|to|at|near|visit(?:ed|ing)?|via|towards?|around|across|outside|leaving|based in|born "
    r"in|country|"
    r"city|town|state|of|southern|northern|eastern|western|region)\W{1,3}\Z"
)
_ORG_BEFORE = re.compile(
    r"\b(?:work(?:s|ed|ing)? (?:for|at)|employed (?:by|at)|employer|company|firm|the|joined)\W{1,3}\Z"
)
_ORG_AFTER = re.compile(
    r" (?:office|headquarters|employees|orchestra|website|staff|shares|stock|is a \w+ agency)\b", re.I
)
_SURE_BEFORE = re.compile(
    r"(?:\bname(?:\sis|'s|:|\sto|\swas)?|\bnamed|\bcalls? me|\bdear|\bi'?m|\b(?:mr|mrs|ms|dr|prof)\.?|"
    r"\bregards,?|"
    r"\bcustomer|\bpatient|\bstarring|\bdirected by:?)\W{0,4}\Z"
)
_SURNAME = re.compile(
    r"\w{2,}(?:ova?|ová|eva?|sk[iaý]|ská|sson|son|sen|d[óo]ttir|i[ćčc]|czyk|enko|yan|ian|oğlu|ez|escu|"
    r"opoulos|idis|"
    r"nen|berg|stein|mann|ström|quist|ovic|wicz|iy|yev|shvili)\Z"
)
_ACRONYM = 5
"""Capitals alone up to this length are an abbreviation, unless a list knows better."""
_INITIALS = 3
"""Capitals alone up to this length are an abbreviation, even if a list knows them."""
_CONTRACTED = ("'re", "'ve", "'ll", "'d", "n't", "’re", "’ve", "’ll", "’d", "n’t")
_THRESHOLD = 1.0


class Word(NamedTuple):
    """A word of the text with what the lists say of it."""

    text: str
    small: str
    """In small letters."""
    start: int
    end: int
    flags: int
    capital: bool
    first: bool
    """True at the beginning of a sentence or a line, where a capital says nothing."""


def names(text: str, taken: Sequence[Finding] = ()) -> Iterator[Finding]:
    """Persons, places and organisations of a text, with a score by how much speaks for them.

    Words of the findings `taken`, such as a street, are no part of a name.
    """
    words = _words(text)
    if taken:
        words = [word for word in words if not any(one.start <= word.start < one.end for one in taken)]
    phrases = load().phrases
    lower = not any(word.capital for word in words)
    place = 0
    while place < len(words):
        size = _phrase(words, place, phrases.get(words[place].small, ()))
        if size:
            yield Finding("place", words[place].start, words[place + size - 1].end, 0.8)
        elif size := _run(words, place, text, lower):
            yield from _judged(text, words[place : place + size], lower)
        place += size or 1


def _phrase(words: Sequence[Word], place: int, phrases: Sequence[tuple[str, ...]]) -> int:
    """Words from the place on that are the name of one place."""
    for phrase in phrases:
        if tuple(word.small for word in words[place : place + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _words(text: str) -> list[Word]:
    found: list[Word] = []
    fresh = True
    before = 0
    for match in _WORD.finditer(text):
        between = text[before : match.start()]
        if between != " ":
            ended = not (between.strip() == "." and found and found[-1].small in TITLES)
            fresh = fresh or (ended and _ENDS.search(between) is not None)
        word, start = match[0], match.start()
        if word[-2:] in ("'s", "’s"):
            word = word[:-2]
        found.append(Word(word, word.casefold(), start, start + len(word), *_known(word), fresh))
        before, fresh = match.end(), False
    return found


@lru_cache(maxsize=1 << 15)
def _known(word: str) -> tuple[int, bool]:
    """What the lists say of a word, and whether it has the capital letter of a name."""
    if _is_plain(word):
        return COMMON, False
    return load().flags(word), word[0].isupper()


def _is_plain(word: str) -> bool:
    """A word that is no name, whatever the lists say: contractions, interjections, abbreviations."""
    lists, small = load(), word.casefold()
    if small in NEVER_NAMES or small.endswith(_CONTRACTED):
        return True
    short = word.isupper() and 1 < len(word) <= _ACRONYM
    return short and (len(word) <= _INITIALS or not lists.flags(word)) and small not in lists.phrases


def _run(words: Sequence[Word], place: int, text: str, lower: bool) -> int:
    """Words from the place on that may be one name: capitals with particles and initials between."""
    if not _opens(words[place], lower):
        return 0
    size = 1
    while place + size < len(words):
        last, word = words[place + size - 1], words[place + size]
        between = text[last.end : word.start]
        if not (between == " " or (between in (". ", ".") and len(last.text) <= 2)):
            break
        if (
            _opens(word, lower)
            or (word.capital and not word.flags & COMMON)
            or (len(word.text) == 1 and word.capital)
            or (lower and not word.flags & COMMON and words[place].flags & FIRST)
            or (word.small in PARTICLES and _follows(words, place + size, lower))
        ):
            size += 1
        else:
            break
    return size


def _follows(words: Sequence[Word], place: int, lower: bool) -> bool:
    """A particle belongs to the name if the name goes on after it."""
    for nearby in words[place + 1 : place + 3]:
        if _opens(nearby, lower) and nearby.small not in PARTICLES:
            return True
        if nearby.small not in PARTICLES:
            return False
    return False


def _opens(word: Word, lower: bool) -> bool:
    """May a name begin with this word, or go on with it?"""
    if word.capital:
        return len(word.text) > 1 and not (
            word.first and word.flags & COMMON and not word.flags & (FIRST | PLACE)
        )
    return not word.flags & COMMON and bool(word.flags & (FIRST | PLACE | (LAST if lower else 0)))


def _judged(text: str, run: Sequence[Word], lower: bool) -> Iterator[Finding]:
    """The kind of a run of words, if enough speaks for one."""
    before, after = text[max(0, run[0].start - 40) : run[0].start], text[run[-1].end : run[-1].end + 24]
    organisation = _organisation(run, before.lower(), after)
    start = run[0].start
    while len(run) > 1 and run[0].flags & COMMON and not run[0].flags & (FIRST | PLACE):
        run = run[1:]
        before = text[max(0, run[0].start - 40) : run[0].start]
    alone = before[-1:] in ("", "\n") and after[:1] in ("", "\n")
    person = _person(run, before.lower(), after) + 0.5 * (alone and not lower)
    place = _place(run, before.lower())
    if not run[0].capital and not lower:  # among capitals, a small letter says that it is a plain word
        person, place = person - 0.8, place - 0.8
    if len(run) == 1 and run[0].first and run[0].flags & COMMON:
        person, place = person - 0.9, place - 0.9
    best = max(person, place, organisation)
    if best < _THRESHOLD:
        return
    score = min(0.9, 0.4 + best / 8)
    if organisation == best:
        yield Finding("organisation", start, run[-1].end, score)
    elif person == best:
        particle = _PARTICLES_BEFORE.search(before)
        yield Finding("person", run[0].start - (len(particle[0]) if particle else 0), run[-1].end, score)
    else:
        yield Finding("place", run[0].start, run[-1].end, score)


_PARTICLES_BEFORE = re.compile(r"(?:\b(?:van|von|der|den|de|del|di|da|dos|du|bin|ter|ten|zu|el|al)\s){1,2}\Z")


def _person(run: Sequence[Word], before: str, after: str) -> float:
    vote = 0.9 * _titled(before) * 2 + _listed(run)
    vote += 0.7 * bool(_PERSON_BEFORE.search(before)) + 0.6 * bool(_PERSON_AFTER.match(after))
    vote += 0.6 * bool(_SURE_BEFORE.search(before))
    if run[-1].capital and not run[-1].flags & COMMON:
        vote += 0.5 * bool(_SURNAME.match(run[-1].text)) + 0.3 * (not run[-1].text.isascii())
        vote += 0.5 * (not any(word.flags for word in run))
    return vote


def _listed(run: Sequence[Word]) -> float:
    """What the lists and the form of the words say for a person."""
    first, last = run[0].flags & FIRST, run[-1].flags & LAST
    vote = 1.0 * bool(first) + (0.9 if not run[-1].flags & PLACE else 0.6) * bool(last)
    plain = sum(bool(word.flags & COMMON) for word in run)
    vote -= 1.1 * plain / len(run)
    if 2 <= len(run) <= 4:
        vote += 0.9 * bool(first) + 0.4 * (not plain) + 0.6 * any(len(word.text) == 1 for word in run[1:])
    return vote


def _titled(before: str) -> bool:
    words = before.rstrip(" .").rsplit(None, 1)
    return bool(words) and words[-1].strip("(\"'").casefold() in TITLES


def _place(run: Sequence[Word], before: str) -> float:
    vote = 1.3 * all(word.flags & PLACE or word.small in PARTICLES for word in run)
    vote += 0.3 * bool(run[0].flags & PLACE)
    vote += 0.7 * bool(_PLACE_BEFORE.search(before))
    vote += 0.4 * (run[0].text.isupper() and len(run[0].text) > 3)
    vote -= 0.9 * sum(bool(word.flags & COMMON) for word in run) / len(run)
    return vote + 0.4 * (not any(word.flags for word in run) and run[0].capital)


def _organisation(run: Sequence[Word], before: str, after: str) -> float:
    ends = len(run) > 1 and run[-1].small.strip(".") in ORGANISATION_ENDS
    vote = 2.2 * ends + 0.8 * bool(_ORG_BEFORE.search(before)) + 0.9 * bool(_ORG_AFTER.match(after))
    vote += 0.7 * any("-" in word.text and word.text.count("-") == 1 and word.capital for word in run)
    inner = any(char.isupper() for word in run for char in word.text[1:]) and not run[0].text.isupper()
    return vote + 0.4 * inner + 0.3 * (not any(word.flags for word in run) and run[0].capital)
