"""The transform `terms`: one word for one thing, by a terminology map."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from tunewright.core.types import Role
from tunewright.data.ports import Change
from tunewright.data.texts import SPEAKERS, rewritten


def _listed(value: object) -> object:
    """One word may stand without a list."""
    return (
        {key: [one] if isinstance(one, str) else one for key, one in value.items()}
        if isinstance(value, Mapping)
        else value
    )


def _clear(terms: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """No word is replaced by two, and none that another is replaced by."""
    others = [other.casefold() for found in terms.values() for other in found]
    preferred = {term.casefold() for term in terms}
    wrong = {word for word, times in Counter(others).items() if times > 1} | (preferred & set(others))
    empty = [word for word in (*terms, *others) if not word.strip()]
    if wrong or empty:
        named = ", ".join(f"`{word}`" for word in sorted(wrong)) or "an empty word"
        raise ValueError(f"it is not clear what {named} should become: name every word once")
    return terms


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Replace words by the preferred one: whole words in any case, capitals kept."""

    terms: Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(_listed), AfterValidator(_clear)] = field(
        default_factory=dict
    )
    """Preferred word → the words it stands for, such as `{customer: [client, patron]}`."""
    roles: tuple[Role, ...] = SPEAKERS
    """Whose turns are rewritten."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch with the preferred words, and every change made to it."""
        preferred = {other.casefold(): term for term, others in self.terms.items() for other in others}
        if not preferred:
            return batch, []
        longest_first = sorted(preferred, key=lambda word: (-len(word), word))
        words = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first)
        pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE)

        def prefer(match: re.Match[str]) -> str:
            found = " ".join(match[0].split())
            return cased(preferred.get(found.casefold(), found), like=found)

        return rewritten(batch, lambda text: pattern.sub(prefer, text), "put the preferred term", self.roles)


def cased(term: str, *, like: str) -> str:
    """The term in capitals, or with a capital, where the word it replaces has them."""
    if like.isupper() and len(like) > 1:
        return term.upper()
    return term[0].upper() + term[1:] if like[0].isupper() else term
