"""Words of problems and notes without personal data, where the spec asks for masking."""

from __future__ import annotations

from collections.abc import Iterable

from tunewright.core.types import Problem
from tunewright.data.spec import DataSpec
from tunewright.runtime import redact

_MASK = "mask"


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
    """The problems, place as it is, words without personal data."""
    return tuple(
        one.model_copy(update={"what": quiet(one.what, spec), "fix": quiet(one.fix, spec)})
        for one in problems
    )
