"""Words of problems and notes without personal data, where the spec asks for masking."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tunewright.core.types import Problem
from tunewright.data.spec import Columns, DataSpec
from tunewright.runtime import redact

_MASK = "mask"
_QUOTED = re.compile(r"`([^`]*)`")
_OURS = frozenset({*Columns.model_fields, "role", "content", "user", "assistant", "tool"})
"""Words that stand in problems whatever the file holds."""
_COLUMNS = frozenset({"body", "case", "comment", "reason"})
"""Customary names of columns that are names of people, too."""
_HIDDEN = "; `…` stands for what may be personal data: the file itself shows it"


def quiet(text: str, spec: DataSpec) -> str:
    """The text with `[kind]` in the place of personal data; as it is where nothing is to be masked.

    A header or a column name may be a value: a table without a header has its first row there.
    """
    if not any(one.name == _MASK for one in spec.transforms):
        return text
    for one in reversed(redact.find(text)):
        text = f"{text[: one.start]}[{one.kind}]{text[one.end :]}"
    return text


def quietly(problems: Iterable[Problem], spec: DataSpec) -> tuple[Problem, ...]:
    """The problems, place as it is, words without personal data.

    What is wrong quotes the file: such a word stays only if it is one of ours, of the spec, or made of
    words of the language as the names of columns are (`section_text`, never `mark_smith`), for a word alone
    gives no sign by which a name is known.
    """
    if not any(one.name == _MASK for one in spec.transforms):
        return tuple(problems)
    known = _OURS | set(spec.columns.named().values())
    return tuple(_masked(one, known, spec) for one in problems)


def _masked(problem: Problem, known: frozenset[str], spec: DataSpec) -> Problem:
    what = quiet(_unquoted(problem.what, known), spec)
    fix = quiet(problem.fix, spec) + (_HIDDEN if "`…`" in what else "")
    return problem.model_copy(update={"what": what, "fix": fix})


def _unquoted(text: str, known: frozenset[str]) -> str:
    return _QUOTED.sub(lambda match: match[0] if match[1] in known or _of_words(match[1]) else "`…`", text)


def _of_words(text: str) -> bool:
    parts = text.split("_")
    return all(map(redact.is_word, parts)) and not all(
        redact.is_name(part) and part not in _COLUMNS for part in parts
    )
