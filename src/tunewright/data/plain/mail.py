"""Where the message of an e-mail ends: separators, closings, headers of quoted mail, disclaimers.

The separator line `-- ` is RFC 3676's (section 4.3); `>` marks quoted lines there, too (section 4.5).
The other marks are what mail programs write in English, German, French and Spanish.
"""

from __future__ import annotations

import re

_LONGEST_SIGNATURE = 8
"""Lines below a closing; more is a message that goes on."""

_LONGEST_LINE = 60
"""Characters of a line of a signature: names, offices, addresses."""

_CLOSING = re.compile(
    r"\s*(?:(?:with\s+)?(?:kind(?:est)?|best|warm(?:est)?|many)\s+(?:regards|wishes|thanks)|"
    r"(?:best\s+)?regards|yours\s+(?:sincerely|faithfully|truly)|sincerely(?:\s+yours)?|cheers|thanks|"
    r"thank\s+you|best|many\s+thanks|(?:mit\s+)?(?:freundlichen|besten|vielen|herzlichen)\s+(?:gr(?:ü|ue)(?:ß|ss)en?|"
    r"dank)|(?:viele|beste|liebe)\s+gr(?:ü|ue)(?:ß|ss)e|mfg|cordialement|bien\s+cordialement|"
    r"(?:un\s+)?cordial(?:es)?\s+saludos?|saludos(?:\s+cordiales)?|atentamente)\s*[,.!–-]?\s*",
    re.IGNORECASE,
)

_SENT_FROM = re.compile(
    r"\s*(?:sent\s+from\s+(?:my|mail\s+for|outlook|yahoo|proton|samsung|a)\b.{0,40}|get\s+outlook\s+for\s+\w+.{0,20}|"
    r"(?:von\s+meinem\s+\w+\s+gesendet|gesendet\s+von\s+\w+.{0,40})|envoyé\s+de(?:puis)?\s+mon\s+.{0,40}|"
    r"enviado\s+desde\s+mi\s+.{0,40})\s*",
    re.IGNORECASE,
)

_WROTE = re.compile(
    r"\s*(?:on\s+.{6,120}\s+wrote|am\s+.{6,120}\s+schrieb.{0,80}|le\s+.{6,120}\s+a\s+écrit|"
    r"el\s+.{6,120}\s+escribió)\s*:\s*",
    re.IGNORECASE,
)

_FORWARDED = re.compile(
    r"\s*(?:-{2,}\s*(?:original\s+message|forwarded\s+message|ursprüngliche\s+nachricht|weitergeleitete\s+nachricht|"
    r"message\s+d'origine|mensaje\s+original)\s*-{2,}|begin\s+forwarded\s+message:|_{20,})\s*",
    re.IGNORECASE,
)

_FROM = re.compile(r"\s*\*?(?:from|von|de)\s*:\*?\s*\S.*", re.IGNORECASE)
_HEADER = re.compile(
    r"\s*\*?(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|objet|à|enviado|asunto|para)\s*:",
    re.IGNORECASE,
)

_DISCLAIMER = re.compile(
    r"intended\s+(?:only|solely|exclusively)?\s*for\s+(?:the\s+)?(?:use\s+of\s+)?(?:the\s+)?(?:named\s+|intended\s+)?"
    r"(?:addressee|recipient|individual|person)|"
    r"(?:if\s+you\s+(?:have\s+)?receiv\w+\s+this\s+(?:e-?mail|message|communication)\s+(?:in\s+error|by\s+mistake))|"
    r"not\s+(?:the|an)\s+intended\s+recipient|this\s+(?:e-?mail|message)\s+(?:and\s+any\s+(?:attachments?|files)\b.{0,40})?"
    r"(?:is|are|may\s+be|may\s+contain|contains?)\s+(?:\w+\s+){0,3}(?:confidential|privileged)|"
    r"diese\s+e-?mail\s+(?:enthält|kann)\s+.{0,40}vertraulich",
    re.IGNORECASE | re.DOTALL,
)


def message(text: str, *, quotes: bool = True, signature: bool = True, disclaimers: bool = True) -> str:
    """What somebody wrote in a mail; a text that is nothing but what would be taken out stays as it is."""
    lines = text.splitlines()
    if quotes:
        lines = without_quotes(lines)
    if disclaimers:
        lines = without_disclaimers(lines)
    if signature:
        lines = without_signature(lines)
    if disclaimers:  # one that stood above the signature
        lines = without_disclaimers(lines)
    left = "\n".join(lines).strip()
    return left if left and lines != text.splitlines() else text


def without_quotes(lines: list[str]) -> list[str]:
    """The lines that are nobody's quote.

    Quoted lines go with the line that says whose they are; what follows an earlier message without such
    marks is all its own.
    """
    kept: list[str] = []
    place = 0
    while place < len(lines):
        if said := _attribution(lines, place):
            place += said
        elif _begins_quoted_mail(lines, place):
            break
        else:
            kept.append(lines[place])
            place += 1
    return [line for line in kept if not line.lstrip().startswith(">")]


def _attribution(lines: list[str], place: int) -> int:
    """How many lines say who wrote the marked lines below; 0 where none does."""
    for count in (1, 2):
        below = next((line for line in lines[place + count : place + count + 3] if line.strip()), "")
        said = " ".join(line.strip() for line in lines[place : place + count])
        if _WROTE.fullmatch(said) and lines[place].strip() and below.lstrip().startswith(">"):
            return count
    return 0


def _begins_quoted_mail(lines: list[str], place: int) -> bool:
    line = lines[place]
    if _FORWARDED.fullmatch(line):
        return True
    if _FROM.fullmatch(line) and any(_HEADER.match(below) for below in lines[place + 1 : place + 3]):
        return True
    following = " ".join(lines[place : place + 2])
    wrote = _WROTE.fullmatch(line) or (_WROTE.fullmatch(following) and not _WROTE.fullmatch(lines[place + 1]))
    rest = [below for below in lines[place + 1 :] if below.strip()]
    return bool(wrote) and (
        not rest or any(below.lstrip().startswith(">") for below in rest[:3]) or place > 0
    )


def without_signature(lines: list[str]) -> list[str]:
    """The lines above the signature: the separator, a closing with short lines below, `Sent from`."""
    for place, line in enumerate(lines):
        if place and line.rstrip() == "--":
            return _ended(lines[:place])
    lines = _ended([line for line in lines if not _SENT_FROM.fullmatch(line)])
    for place in range(max(1, len(lines) - _LONGEST_SIGNATURE - 1), len(lines)):
        below = lines[place + 1 :]
        if _CLOSING.fullmatch(lines[place]) and all(len(line) <= _LONGEST_LINE for line in below):
            return _ended(lines[:place])
    return lines


def without_disclaimers(lines: list[str]) -> list[str]:
    """The lines above the last paragraphs that speak of confidentiality and wrong recipients."""
    lines = _ended(lines)
    while lines:
        start = max((place + 1 for place, line in enumerate(lines) if not line.strip()), default=0)
        if not start or not _DISCLAIMER.search(" ".join(lines[start:])):
            return lines
        lines = _ended(lines[:start])
    return lines


def _ended(lines: list[str]) -> list[str]:
    """The lines without empty ones at the end."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]
