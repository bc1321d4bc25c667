"""Numbers that are personal data: cards, phones, accounts, national identifiers, dates of birth."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from tunewright.runtime.redact import checksums
from tunewright.runtime.redact.kinds import Finding, Kind
from tunewright.runtime.redact.vocabulary import CALLING_CODES, NUMBER_CUES

_GAP = r"[ \xa0\u2009\u202f./\u2010\u2011-]"
"""What may stand between two groups of digits: a space, a point, a slash or a hyphen."""
_RUN = re.compile(
    r"(?P<run>[+(\d](?<![\w,@/-].)(?<![\d.]\..)(?:(?<=\d)|\+?\d)"
    rf"(?:(?:{_GAP}|\)[ -]?|[ -]?\(){{0,2}}\d){{5,22}})"
    r"(?P<ext>,?\s?(?i:x|extn?|extension)[.:]?\s?#?\d{1,7})?(?![\w@]|[.,]\d)"
)
_CARD = re.compile(
    r"\d(?<![\d.,].)(?:\d{11,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{3}([ -])\d{6}\2\d{4,5})(?!\d|[.,]\d)"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[ .,]\d{3})+(?:[.,]\d+)?\Z")
_DATE = re.compile(
    r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?!\d)"
    r"|(?i:(?<!\w)\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
    r",? \d{4})(?!\d)|(?i:(?<!\w)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2}"
    r"(?:st|nd|rd|th)?,? \d{4})(?!\d)"
)
_LETTERED = re.compile(r"(?<!\w)(?:[A-Za-z]{0,6}|[A-Z]{1,3}[ -])\d[A-Za-z0-9-]{4,17}(?!\w)")
_CUE_OF = {word: kind for kind, words in NUMBER_CUES.items() for word in words}
_BEFORE = re.compile(r"[^\W\d_](?:[\w'./-]*[^\W_])?")
_FEWEST: dict[Kind, int] = {"licence": 5, "passport": 6, "account": 6, "national_id": 7}
_BIRTH = frozenset(NUMBER_CUES["birth_date"])
_CODED = frozenset(word for kind in _FEWEST for word in NUMBER_CUES[kind])
_LOOK = 48
"""Characters before a number in which its cue is looked for."""


def numbers(text: str) -> Iterator[Finding]:
    """Every number of the text that is somebody's; a plain number is left alone."""
    words = _said(text)
    if words & _BIRTH:
        yield from _birth_dates(text)
    yield from _cards(text)
    for match in _RUN.finditer(text):
        kind, score = _kind(text, match)
        if kind is not None:
            yield Finding(kind, match.start("run"), match.end(), score)
    if words & _CODED:
        yield from _named(text)


def _said(text: str) -> set[str]:
    """The words of a text, and every two that follow each other joined by `_`."""
    words = _BEFORE.findall(text.casefold())
    return {*words, *map("_".join, itertools.pairwise(words))}


def _birth_dates(text: str) -> Iterator[Finding]:
    for match in _DATE.finditer(text):
        if _cue(text, match.start()) == "birth_date":
            yield Finding("birth_date", match.start(), match.end(), 0.9)


def _cards(text: str) -> Iterator[Finding]:
    for match in _CARD.finditer(text):
        if _is_card("".join(char for char in match[0] if char.isdigit()), match[0]):
            yield Finding("card", match.start(), match.end(), 1.0)


def _named(text: str) -> Iterator[Finding]:
    """Numbers and codes that their cue alone tells: licences, passports, accounts."""
    for match in _LETTERED.finditer(text):
        cue = _cue(text, match.start())
        fewest = _FEWEST.get(cue) if cue else None
        said = match[0].replace(" ", "").replace("-", "")
        if cue and fewest and len(said) >= fewest and sum(map(str.isdigit, said)) >= fewest - 1:
            yield Finding(cue, match.start(), match.end(), 0.7)


def _cue(text: str, start: int) -> Kind | None:
    """The kind whose cue stands nearest before the place, in the same line or the one before."""
    words = _BEFORE.findall(text[max(0, start - _LOOK) : start].casefold())
    for place in range(len(words) - 1, -1, -1):
        kind = _CUE_OF.get(words[place]) or _CUE_OF.get("_".join(words[place : place + 2]))
        if kind is not None:
            return kind  # type: ignore[return-value]
    return "phone" if "number" in words else None


def _kind(text: str, match: re.Match[str]) -> tuple[Kind | None, float]:
    run = match["run"]
    digits = "".join(char for char in run if char.isdigit())
    if run[0] != "+" and _is_card(digits, run):
        return "card", 1.0
    if _is_date(run):
        return None, 0.0
    cue = _cue(text, match.start())
    if re.fullmatch(r"\d{3}-\d\d-\d{4}", run) and checksums.us_ssn(digits):
        return "national_id", 1.0
    if cue in ("national_id", "licence", "passport") and len(digits) >= _FEWEST[cue]:
        return cue, 0.9
    if cue == "card" and 12 <= len(digits) <= 19:
        return "card", 0.8
    if cue == "account" and "+" not in run and len(digits) >= _FEWEST["account"]:
        return "account", 0.7
    if _holds(digits, run, cue):
        return "national_id", 0.8
    return _phone(text, match, digits, cue)


def _is_date(run: str) -> bool:
    """A date, alone or with the hour after it."""
    match = _DATE.match(run)
    return match is not None and (match.end() == len(run) or run[match.end()] == " ")


def _is_card(digits: str, run: str) -> bool:
    """12 to 19 digits of a card issuer's range, in customary groups, with a Luhn digit that holds."""
    if not (12 <= len(digits) <= 19 and digits[0] in "123456" and checksums.luhn(digits)):
        return False
    if (digits[0] == "1" and digits[:4] != "1800") or "." in run or "/" in run or "(" in run:
        return False
    sizes = {len(part) for part in re.split(r"[ \xa0-]", run)}
    return set(digits) != {"0"} and max(sizes) >= 4


def _holds(digits: str, run: str, cue: Kind | None) -> bool:
    """A national identifier by its check digits; short ones want a cue: one in ten holds by chance."""
    checks = checksums.NATIONAL.get(len(digits), ())
    if cue == "phone" or run[0] in "+(" or not any(check(digits) for check in checks):
        return False
    return len(digits) >= 13 or cue == "national_id" or _grouped_as_id(run)


_ID_FORMS = re.compile(
    r"\d{3}\.\d{3}\.\d{3}-\d\d|\d\d\.\d\d\.\d\d-\d{3}\.\d\d|\d{6}[-+]\d{4}|\d{8}-\d{4}|\d{4} \d{4} \d{4}"
)


def _grouped_as_id(run: str) -> bool:
    """Groups that only an identifier has: CPF, Belgian RRN, personnummer, Aadhaar."""
    return _ID_FORMS.fullmatch(run) is not None


_PLAIN_PHONE = re.compile(r"00[1-9]\d{8,12}|0[1-9]\d{7,9}|1?[2-9]\d{2}[2-9]\d{6}|[2-46-9]\d{9}")
"""Digits alone that are dialled so: the prefix of abroad, that of long distance, and North America's form."""
_AMOUNT_BEFORE = re.compile(
    r"(?:[$€£¥]|\b(?:usd|eur|gbp|chf|rs|costs?|worth|paid|population of|total of|over|about|nearly))\.?\s?\Z",
    re.I,
)
_AMOUNT_AFTER = re.compile(
    r"\s?(?:[$€£¥%]|(?:usd|eur|gbp|chf|dollars?|euros?|pounds?|people|users?|rows?)\b)", re.I
)
_RUSSIAN = "8"
"""What is dialled before a number of another town in Russia and Kazakhstan."""
_YEARS = re.compile(r"(?:19|20)\d\d[-/ ](?:19|20)\d\d")


def _phone(text: str, match: re.Match[str], digits: str, cue: Kind | None) -> tuple[Kind | None, float]:
    run = match["run"]
    if not 7 <= len(digits) <= 15 and not (cue == "phone" and len(digits) >= 6):
        return None, 0.0
    if run[0] == "+" or match["ext"]:
        return "phone", 0.9
    if "(" in run:
        return "phone", 0.85
    if _THOUSANDS.match(run) and _amount(text, match):
        return None, 0.0
    if cue == "phone" or (cue is None and _cue_behind(text, match.end())):
        return "phone", 0.7 if run == digits else 0.8
    if run == digits:
        return ("phone", 0.6) if _PLAIN_PHONE.fullmatch(run) else (None, 0.0)
    if _THOUSANDS.match(run) and len(digits) < 8 and run[0] != "0":
        return None, 0.0
    return ("phone", 0.6) if _dialled(run) else (None, 0.0)


def _cue_behind(text: str, end: int) -> bool:
    """The words behind a number say that it is a phone's: `… is my mobile`, `… (fax)`."""
    behind = re.split(r"[.!?;\n]", text[end : end + _LOOK // 2].casefold(), maxsplit=1)[0]
    kinds = [_CUE_OF[word] for word in _BEFORE.findall(behind) if word in _CUE_OF]
    return kinds[:1] == ["phone"]


def _amount(text: str, match: re.Match[str]) -> bool:
    """Something is counted here: a currency stands beside the number, or what there is so many of."""
    before = _AMOUNT_BEFORE.search(text, max(0, match.start() - 16), match.start())
    return before is not None or _AMOUNT_AFTER.match(text, match.end()) is not None


def _dialled(run: str) -> bool:
    """Groups of digits as numbers are dialled: with a prefix, with a calling code, or of usual sizes."""
    groups = re.split(rf"{_GAP}+", run)
    sizes = [len(group) for group in groups]
    total = sum(sizes)
    if run[0] == "0":
        return True
    if (groups[0] in CALLING_CODES or groups[0] == _RUSSIAN) and len(groups) > 2 and total >= 10:
        return groups[0] != "1" or sizes == [1, 3, 3, 4]
    if len(groups) == 2 and total >= 8 and max(sizes) > 4:
        return min(sizes) >= 2 and sizes[0] <= 5 and sizes[1] >= 5
    largest = 5 if total >= 10 else 4
    return min(sizes) >= 2 and max(sizes) <= largest and len(groups) <= 6 and not _YEARS.fullmatch(run)


_COUNTRY_IDS: tuple[tuple[re.Pattern[str], checksums.Check], ...] = (
    (re.compile(r"(?<!\w)[XYZ]?\d{7,8}-?[A-HJ-NP-TV-Z](?!\w)"), checksums.es_dni),
    (
        re.compile(r"(?<!\w)[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z](?!\w)"),
        checksums.it_codice,
    ),
    (re.compile(r"(?<!\w)\d{6}[-+A-F]\d{3}[0-9A-FHJ-NPR-Y](?!\w)"), checksums.fi_hetu),
    (re.compile(r"(?<!\w)\d{17}[\dX](?!\w)"), checksums.cn_id),
    (re.compile(r"(?<!\w)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D](?!\w)"), bool),
    (re.compile(r"(?<!\w)[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d(?!\w)"), bool),
)
_LETTER_DIGIT = re.compile(r"[A-Za-z]-?\d|\d-?[A-Za-z]|\d{17}")
_IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d\d(?: ?[A-Za-z\d]{2,4}){3,8}(?: ?[A-Za-z\d]{1,3})?(?!\w)")


def lettered(text: str) -> Iterator[Finding]:
    """IBANs and national identifiers that hold letters."""
    if not _LETTER_DIGIT.search(text):
        return
    for match in _IBAN.finditer(text):
        found = _iban_in(match[0])
        if found:
            yield Finding("iban", match.start(), match.start() + len(found), 1.0)
    for pattern, check in _COUNTRY_IDS:
        for match in pattern.finditer(text):
            if check(
                match[0].replace("-", "").replace(" ", "") if check is not checksums.fi_hetu else match[0]
            ):
                yield Finding("national_id", match.start(), match.end(), 0.96)


def _iban_in(run: str) -> str:
    """The longest beginning of the run that is an IBAN; words may follow it."""
    plain = run.replace(" ", "").upper()
    size = checksums.IBAN_LENGTHS.get(plain[:2], 0)
    if not size or len(plain) < size or not checksums.mod97(plain[:size]):
        return ""
    seen = 0
    for place, char in enumerate(run):
        seen += char != " "
        if seen == size:
            return run[: place + 1]
    return ""
