"""Postal addresses: street, house number and what follows them up to the postal code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tunewright.runtime.redact.kinds import Finding
from tunewright.runtime.redact.vocabulary import ADDRESS_CUES, NEVER_STREETS, SMALL_IN_TOWNS

_STREET = (
    r"street|str|st|road|rd|avenue|ave|lane|ln|drive|drv?|way|court|ct|place|pl|square|sq|boulevard|blvd|"
    r"parkway|"
    r"pkwy|highway|hwy|terrace|terr?ace|crescent|cres|close|circle|cir|trail|trl|alley|row|grove|"
    r"gardens?|mews|loop|"
    r"walk|parade|hill|heights|esplanade|plaza|ridge|run|path|pike|turnpike|bypass|crossing|quay|wharf|"
    r"parks?|"
    r"streets|roads|coves?|forts?|points?|villages?|stravenue|extensions?|estates?|landing|meadows?|"
    r"mills?|manors?|"
    r"junctions?|islands?|hollow|harbors?|glens?|fords?|flats?|fields?|falls|divide|dale|creek|corners?|"
    r"common|"
    r"cliffs?|centers?|causeway|canyon|burgs?|brooks?|bridge|branch|bluffs?|bend|beach|bayou|annex|viaducts?|"
    r"valleys?|unions?|underpass|tunnel|track|trace|throughway|summit|stream|station|springs?|spurs?|"
    r"shores?|shoals?|"
    r"route|river|rest|rapids|ranch|ramp|radial|prairie|ports?|plains?|pines?|passage|overpass|oval|"
    r"orchard|neck|"
    r"mountains?|motorway|locks?|lights?|lakes?|knolls?|keys?|isle|inlet|haven|greens?|gateway|freeway|"
    r"forges?|"
    r"forest|ferry|expressway|curve|course|cape|camp|club"
)
_BEFORE = (
    r"rue|avenue|av|boulevard|bd|allée|chemin|impasse|quai|place|cours|route|via|viale|piazza|corso|"
    r"largo|vicolo|"
    r"strada|calle|c/|avenida|avda|paseo|plaza|carrer|camino|camiño|ronda|travesía|rua|travessa|praça|"
    r"estrada|alameda|"
    r"ul|ulica|al|aleja|os|osiedle|pl|trg|ulice|náměstí|str|strada|aleea|bulevardul|calea|sokak|cadde|ул|"
    r"улица|οδός|"
    r"av\.?|rte|lieu-dit|bairro|urb|am|im|an der|auf der|in der|zum|zur|unter den|untere|obere|carry van|"
    r"c\.|gran vía"
)
_ENDING = (
    r"(?:stra(?:ß|ss)e|stasse|str\.?|gasse|weg|platz|allee|ring|damm|ufer|graben|lände|laende|gürtel|hof|"
    r"steig|"
    r"straat|laan|plein|gracht|kade|dijk|steenweg|dreef|singel|hof|pad|"
    r"gade|gatan?|gate|vej|vei(?:en)?|v[äa]gen|vägen|allé|alle|torv|torget|plads|stræde|grand|gränd|"
    r"backen|stien|"
    r"vegen|katu|kuja|tie|polku|tori|puistotie|rinne|"
    r"utca|útja?|tér|körút|köz|sor|"
    r"braut|gata|vegur|stígur|tún|hlíð|"
    r"ova|ská|ského|náměstí|ulica|ulice|cesta|put|"
    r"terrasse|vollen|bakken|haugen|kroken|svingen|lia)"
)
_CAP = r"[^\W\d_][\w'’.-]*"
_HOUSE = r"\d{1,5}(?:[-/]\d{1,4})?\s?[a-zA-Z]?\b"
_UNIT = (
    r"(?:apt|apartment|suite|ste|unit|flat|floor|room|building|bldg|#|no|nr|lgh|app|bât|etage|piso|"
    r"rm)\b\.?\s?#?\s?\d{1,5}[a-z]?\b"
)
_BOX = (
    r"(?:p\.?\s?o\.?\s?box|postbox|post office box|postfach|boîte postale|b\.?p\.|apartado|casilla|"
    r"postboks|pl\.)"
    r"\s#?\d{1,6}"
)
_MILITARY = (
    r"(?:psc\s\d{1,5},?\sbox\s\d{1,5}|unit\s\d{1,5}\sbox\s\d{1,5}|cmr\s\d{1,5},?\sbox\s\d{1,5}|"
    r"us(?:s|ns|nv|cgc)\s[^\W\d_]+)\s*,?\s*(?:(?:a|d|f)po\s(?:aa|ae|ap)\s\d{5}(?:-\d{4})?)"
)
_ZIP = r"(?:[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|[A-Z]\d[A-Z]\s?\d[A-Z]\d|[A-Z]{0,3}-?\d{3,6}(?:[- ]\d{2,4})?)"

_BEFORE_NUMBER = re.compile(r"(?<![\w'’-])([^\W\d_][\w'’-]*\.?)\s\d")
_ENDED = re.compile(rf"(?:{_ENDING}|\bu\.)\Z")
_BEHIND = (
    # Hauptstraße 5 · 27534 Þorsteinsgata 63 · Kiraly utca 7
    re.compile(
        rf"(?<![\w-])(?:\d{{1,5}}\s)?(?:{_CAP}[ ]){{0,2}}[^\W\d_][\w'’-]*{_ENDING}\s\d{{1,4}}\s?[a-z]?\b"
    ),
    re.compile(rf"(?<![\w-])(?:\d{{1,5}}\s)?(?:{_CAP}[ ]){{1,3}}u\.\s\d{{1,4}}\b\.?"),
)
"""Streets with the house number behind, the slow ones: tried where such an ending stands before a number."""
_CORES = (
    # 12 Long Street · 221B Baker St
    re.compile(
        rf"(?<![\w-])(?:\d{{1,5}}\s)?{_HOUSE}(?:[ ,]+(?:{_CAP})){{1,4}}?"
        rf"[ ](?:{_STREET})\b\.?(?:\s\d{{1,4}}\b)?"
    ),
    # rue de la Paix 12 · 12 rue de la Paix · ul. Karpacka 69
    re.compile(
        rf"(?<![\w-])(?:\d{{1,5}}[, ]+){{1,2}}(?:{_BEFORE})\.?\s(?:{_CAP}[ ]?){{1,5}}(?:\d{{1,4}}\b)?"
    ),
    re.compile(rf"(?<![\w-])(?:\d{{1,5}}\s)?\b(?:{_BEFORE})\b\.?\s(?:{_CAP}[ ]){{1,4}}\d{{1,4}}[a-z]?\b"),
    re.compile(_MILITARY),
    re.compile(rf"(?<![\w-])(?:\d{{1,5}}\s)?{_BOX}\b"),
    re.compile(rf"(?<![\w-])(?!#|no|nr|piso|app|floor|room){_UNIT}"),
)
"""For a text in small letters: several times as fast as to ignore case."""
_TWO_NUMBERS = re.compile(
    # 92 Eusebio Dávila 57 · 5366 Pivovarská 276
    r"(?<![\w-])\d{1,5}[ ](?:(?:\d{1,5}[ ])?[^\W\d_a-z][\w'’.-]*[ ])(?:(?:de|la|del|do|da|dos|van|"
    r"der|von|of|el|[^\W\d_a-z][\w'’.-]*)[ ]){0,4}\d{1,4}[a-dA-D]?\b(?![:.]\d)"
)
_LINE = re.compile(
    r"^(?:\W*)(?:\d{1,5}\s(?:[^\W\d_][\w'’.-]*\s){1,4}\d{1,4}|"
    r"[^\W\d_][\w'’.-]*(?:\s[\w'’.-]+){0,3}\s\d{1,4})\s*$",
    re.M,
)
_CUED = re.compile(
    r"(?:\baddress(?:es)?\b[^.?!\n]{0,24}?(?::|\bis\b|\bto\b|\bare:?)|\blives?\s(?:at|on|in)\b|"
    r"\bliving\s(?:at|on)\b|"
    r"\boffice\sis\s(?:at|on)\b|\bmeet\s(?:me|you|us)?\s?(?:at|on)\b|\bdelivered?\s(?:to|at)\b|"
    r"\bsend\s[^.?!\n]{0,24}?to\b|"
    r"\breturn\sto\b|\bside\sof\b|\blocated\s(?:at|on)\b|\bmoved\sto\b|\benter\son\b|\btaxi\sto\b|\bgo\sto\b|"
    r"\brestaurant\sis\sat\b|\bstop\s(?:at|on)\b|\boff\sat\b)\s*"
    r"(?P<place>(?:the\scorner\sof\s)?[^\W_][\w'’.-]*(?:[ ][\w'’.-]+){0,4}?[ ]\d{1,4}\b"
    r"(?:\sand\s(?:[^\W\d_][\w'’.-]*[ ]?){1,4})?)",
    re.I,
)
_CORNER = re.compile(
    r"\bthe corner of\s(?P<place>(?:p\.\s?o\.\s|[^.?!\n,]){3,60}?)(?=\s(?:in|at|on|near|when|please|for|"
    r"if|to)\s|[.?!\n,]|$)",
    re.I,
)
_POSTCODE = re.compile(
    r"\b(?:zip(?:\s?code)?|post(?:al)?\s?code|plz|cep|code postal)\b\W{0,3}(?:is\W+)?(?P<place>"
    + _ZIP
    + r")\b",
    re.I,
)
_TAIL = re.compile(
    rf"(?:\s*,\s*|\s*\n\s*(?:\?+\s)?,?\s*|[ ]+(?=(?i:{_UNIT})))"
    rf"(?:(?P<unit>(?i:{_UNIT}))|(?P<zip>{_ZIP}\b)"
    rf"|(?P<words>(?:[^\W\d_][\w'’-]*\.?)(?:[ ](?:[^\W\d_][\w'’-]*)){{0,5}})?(?:[ ](?P<after>{_ZIP}\b))?)"
)
_DIGIT = re.compile(r"\d")
_NEVER_INSIDE = NEVER_STREETS - {"the", "and", "on", "in", "am", "no"}
_UNIT_END = re.compile(rf"{_UNIT}\Z", re.I)
_TOWN = re.compile(
    rf"[ ](?P<unit>(?!))?(?P<zip>(?!))?(?P<words>[^\W\d_][\w'’-]*(?:[ ][^\W\d_][\w'’-]*){{0,4}})"
    rf"(?:[ ](?P<after>{_ZIP}\b))?"
)


def addresses(text: str) -> Iterator[Finding]:
    """Every postal address of a text, from the house number to the postal code."""
    if not _DIGIT.search(text):
        return
    for match in _CORNER.finditer(text):
        yield Finding("address", match.start(), match.end("place"), 0.8)
    for match in _POSTCODE.finditer(text):
        yield Finding("address", match.start("place"), match.end("place"), 0.85)
    small = text.replace("İ", "I").lower()  # the one letter that is longer when it is small
    for pattern in _CORES:
        yield from _grown(text, (match.span() for match in pattern.finditer(small)), 0.8)
    yield from _grown(text, (match.span() for match in _TWO_NUMBERS.finditer(text)), 0.8)
    ended = any(_ENDED.search(match[1]) for match in _BEFORE_NUMBER.finditer(small))
    for pattern in _BEHIND if ended else ():
        yield from _grown(text, (match.span() for match in pattern.finditer(small)), 0.8)
    if any(cue in small for cue in ADDRESS_CUES):
        yield from _grown(text, (match.span("place") for match in _CUED.finditer(text)), 0.7)


def _grown(text: str, spans: Iterable[tuple[int, int]], score: float) -> Iterator[Finding]:
    for start, end in spans:
        if _plausible(text[start:end]):
            yield Finding("address", start, _extended(text, end), score)


def _plausible(found: str) -> bool:
    """No sentence: none of its words is one that no street has."""
    return _NEVER_INSIDE.isdisjoint(word.strip(".,'").casefold() for word in found.split())


def _extended(text: str, end: int) -> int:
    """The end of an address that begins before: units, town, state, country and postal code are taken in."""
    after_unit = _UNIT_END.search(text, max(0, end - 16), end) is not None
    for _ in range(6):
        match = _TAIL.match(text, end) or (_TOWN.match(text, end) if after_unit else None)
        if (
            match is None
            or match.end() == end
            or not (match["unit"] or match["zip"] or match["words"] or match["after"])
        ):
            break
        words = match["words"]
        if words and not _is_town(words, text, match):
            break
        end, after_unit = match.end(), match["unit"] is not None
    return end


def _is_town(words: str, text: str, match: re.Match[str]) -> bool:
    """Words of a tail that may be a town, a state or a country: no sentence goes on with them."""
    parts = words.split()
    if any(part.strip(".'").casefold() in NEVER_STREETS for part in parts):
        return False
    capital = all(part[0].isupper() or part in SMALL_IN_TOWNS for part in parts)
    return capital or match["after"] is not None or text == text.lower()
