"""When an example was said: times in customary forms, read to UTC."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

from tunewright.core.types import Problem
from tunewright.data.ports import Tell

_NUMBER = re.compile(r"\d{9,16}(\.\d+)?")
_MILLISECONDS = 1e11
"""From here on a number counts milliseconds since 1970, from its square on microseconds."""
_MICROSECONDS = 1e14
_COMPACT = re.compile(r"(?:19|20)\d{10}(?:\d\d)?")
"""`202405310930`: as seconds or milliseconds it would be of 1976, or centuries ahead."""
_FORMS = tuple(
    f"{day}{clock}"
    for day in (
        "%d.%m.%Y",
        "%Y/%m/%d",
        "%Y.%m.%d",
        "%d %b %Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%Y%m%d",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", ", %H:%M", ", %H:%M:%S")
)
"""What is read beside ISO 8601, RFC 5322 (mail) and seconds since 1970."""
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4}|\d{2})(?:,?[ T](\d.*))?\Z")
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_EITHER_FIRST = re.compile(r"\d{1,2}[/-]\d{1,2}[/-]\d{2,4}")


def times(
    texts: Sequence[str | None], form: str | None, places: Sequence[str], tell: Tell
) -> list[dt.datetime | None]:
    """The time of each text in UTC; None, with its place told, where there is none or it cannot be read.

    `form` is one of `datetime.strptime`, for times that are not in a customary form. A time without a zone
    is taken as UTC.
    """
    known: dict[str, dt.datetime | None] = {}
    found: list[dt.datetime | None] = []
    for text, place in zip(texts, places, strict=True):
        if text is not None and text not in known:
            known[text] = parsed(text, form)
        found.append(known[text] if text is not None else None)
        if found[-1] is None:
            tell(_unreadable(text, form, place))
    return found


def parsed(text: str, form: str | None = None) -> dt.datetime | None:
    """A time in UTC, or None."""
    text = text.strip().strip('"')
    found = _formed(text, form) if form else _customary(text)
    if found is None:
        return None
    try:
        return found.replace(tzinfo=found.tzinfo or dt.UTC).astimezone(dt.UTC)
    except OverflowError:
        return None


def months_first(texts: Iterable[str]) -> bool | None:
    """Whether the month stands first in times such as `3/25/2026`; None where none of them tells."""
    for text in texts:
        found = _SLASHED.match(text.strip())
        if found and max(int(found[1]), int(found[2])) > 12:
            return int(found[2]) > 12
    return None


def slashed(text: str, month_first: bool) -> dt.datetime | None:
    """A time in UTC of a text such as `3/25/26, 9:05 pm`, or None."""
    found = _SLASHED.match(text.strip())
    if found is None:
        return None
    day = "%m/%d/" if month_first else "%d/%m/"
    date = f"{found[1]}/{found[2]}/{found[3]} {(found[4] or '').strip()}".strip()
    year = "%Y" if len(found[3]) == 4 else "%y"
    forms = (f"{day}{year} {clock}".strip() for clock in _CLOCKS)
    return next((time for form in forms if (time := parsed(date, form))), None)


def _customary(text: str) -> dt.datetime | None:
    if _COMPACT.fullmatch(text) and (found := _formed(text, "%Y%m%d%H%M%S"[: len(text) - 2])):
        return found
    if _NUMBER.fullmatch(text):
        return _counted(float(text))
    for read in (dt.datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return next((found for form in _FORMS if (found := _formed(text, form))), None)


def _counted(number: float) -> dt.datetime | None:
    seconds = number / (1e6 if number >= _MICROSECONDS else 1e3 if number >= _MILLISECONDS else 1)
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _formed(text: str, form: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, form)  # noqa: DTZ007 - its zone, or UTC, is set by `parsed`
    except ValueError:
        return None


def _unreadable(text: str | None, form: str | None, place: str) -> Problem:
    if text is None:
        return Problem(where=place, what="there is no time", fix="fill it in, or take the example out")
    if form:
        return Problem(
            where=place, what=f"this time is not of the form `{form}`", fix="mend `data.columns.time_form`"
        )
    if _EITHER_FIRST.match(text):
        what = "it cannot be told whether the day or the month stands first in this time"
        fix = "set `data.columns.time_form`, such as `'%d/%m/%Y'`"
        return Problem(where=place, what=what, fix=fix)
    fix = "write `2024-05-31T09:30:00Z` or seconds since 1970, or set `data.columns.time_form`"
    return Problem(where=place, what="this time cannot be read", fix=fix)
