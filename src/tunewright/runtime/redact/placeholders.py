"""Replace findings by placeholders that stay the same for one person or number in a conversation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from tunewright.runtime.redact.find import PLACEHOLDER
from tunewright.runtime.redact.kinds import BY_RULE_ONLY, Finding, Kind

_TOKEN = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_SHORTEST = 3


class Masked(NamedTuple):
    """The texts of a conversation with placeholders, and how often each kind was replaced in each text."""

    texts: tuple[str, ...]
    counts: tuple[Mapping[Kind, int], ...]


class _Entity(NamedTuple):
    kind: Kind
    key: str
    tokens: tuple[str, ...]


def mask(
    texts: Sequence[str],
    found: Sequence[Sequence[Finding]],
    *,
    keep: Collection[Kind] = (),
    is_word: Callable[[str], bool] = lambda _: False,
) -> Masked:
    """Replace the findings of the texts of one conversation by `[KIND_n]`, numbered as they appear.

    A person who is also named by a part of the name, such as the first name, keeps one placeholder, and
    is masked there even where the detector saw nothing, unless `is_word` says that the part is a plain
    word. A value that was found once is masked wherever it stands. Kinds in `keep` stay.
    """
    wanted = [[one for one in each if one.kind not in keep] for each in found]
    entities = _entities(texts, wanted)
    spans = [_spread(text, each, entities, is_word) for text, each in zip(texts, wanted, strict=True)]
    numbered = _Numbering(texts)
    masked, counts = [], []
    for text, each in zip(texts, spans, strict=True):
        pieces, place = [], 0
        count: defaultdict[Kind, int] = defaultdict(int)
        for start, end, entity in each:
            pieces += [text[place:start], numbered.of(entity)]
            count[entity.kind] += 1
            place = end
        masked.append("".join([*pieces, text[place:]]))
        counts.append(dict(count))
    return Masked(tuple(masked), tuple(counts))


class _Numbering:
    """Gives every entity its placeholder; goes on after those that stand in the texts already."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._given: dict[_Entity, str] = {}
        self._last: defaultdict[str, int] = defaultdict(int)
        for text in texts:
            for match in PLACEHOLDER.finditer(text) if "[" in text else ():
                name, number = match[0][1:-1].rsplit("_", 1)
                self._last[name] = max(self._last[name], int(number))

    def of(self, entity: _Entity) -> str:
        """The placeholder of the entity."""
        if entity not in self._given:
            name = entity.kind.upper()
            self._last[name] += 1
            self._given[entity] = f"[{name}_{self._last[name]}]"
        return self._given[entity]


def _entities(texts: Sequence[str], found: Sequence[Sequence[Finding]]) -> dict[tuple[Kind, str], _Entity]:
    """Every value found, with the entity that it stands for: a part of a name stands for the whole."""
    values = {
        (one.kind, _key(one.kind, text[one.start : one.end])): text[one.start : one.end]
        for text, each in zip(texts, found, strict=True)
        for one in each
    }
    made: dict[tuple[Kind, str], _Entity] = {}
    people: list[_Entity] = []
    for (kind, key), value in sorted(values.items(), key=lambda item: -len(_TOKEN.findall(item[1]))):
        parts = tuple(part.casefold() for part in _TOKEN.findall(value)) if kind == "person" else ()
        whole = next((one for one in people if parts and set(parts) <= set(one.tokens)), None)
        entity = whole or _Entity(kind, key, parts)
        if kind == "person" and whole is None:
            people.append(entity)
        made[(kind, key)] = entity
    return made


def _key(kind: Kind, value: str) -> str:
    """What makes two spellings one value: case and spaces for words, separators for numbers."""
    if kind in BY_RULE_ONLY:
        return " ".join(value.casefold().split())
    if kind in ("phone", "card", "iban", "account", "national_id"):
        return "".join(char for char in value.casefold() if char.isalnum())
    return value.casefold() if kind in ("email", "mac") else value


_Span = tuple[int, int, _Entity]


def _spread(
    text: str,
    found: Sequence[Finding],
    entities: Mapping[tuple[Kind, str], _Entity],
    is_word: Callable[[str], bool],
) -> list[_Span]:
    """The findings of a text, and every other place where one of the values stands."""
    spans: list[_Span] = [
        (one.start, one.end, entities[(one.kind, _key(one.kind, text[one.start : one.end]))]) for one in found
    ]
    taken = [(start, end) for start, end, _ in spans] + [match.span() for match in PLACEHOLDER.finditer(text)]
    for value, entity in _sayings(entities, is_word):
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.I):
            if entity.kind == "person" and not match[0][0].isupper() and value != entity.key:
                continue
            if not any(a < match.end() and match.start() < b for a, b in taken):
                spans.append((match.start(), match.end(), entity))
                taken.append(match.span())
    return sorted(spans, key=lambda span: span[0])


def _sayings(
    entities: Mapping[tuple[Kind, str], _Entity], is_word: Callable[[str], bool]
) -> list[tuple[str, _Entity]]:
    """The ways in which each entity may be said: the value itself, and each part of a person's name."""
    said: dict[str, _Entity] = {}
    for (kind, key), entity in entities.items():
        if len(key) >= _SHORTEST and not (kind in BY_RULE_ONLY and is_word(key)):
            said.setdefault(key, entity)
        for part in entity.tokens if len(entity.tokens) > 1 else ():
            if len(part) >= _SHORTEST and not is_word(part):
                said.setdefault(part, entity)
    return sorted(said.items(), key=lambda item: -len(item[0]))
