"""Turns what pydantic says of a spec into problems with a path, a fix and near-miss suggestions."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from tunewright.core.types import Problem
from tunewright.runtime import plugins


def explain(error: ValidationError, model: type[BaseModel], where: str) -> Iterator[Problem]:
    """One `Problem` for each thing that pydantic found, in the order of the file."""
    seen: set[tuple[str, str]] = set()
    for detail in error.errors():
        problem = _one(dict(detail), model, where)
        if (problem.where, problem.what) not in seen:
            seen.add((problem.where, problem.what))
            yield problem


def _one(detail: dict[str, Any], model: type[BaseModel], where: str) -> Problem:
    loc = detail["loc"]
    place = f"{where}: {_path(loc)}" if loc else where
    if detail["type"] == "extra_forbidden":
        return _unknown(detail, model, place)
    if known := plugins.choices(detail):
        return plugins.unknown(str(detail["input"]), known, where=place, noun="value")
    what, fix = plugins.say(detail)
    return Problem(where=place, what=what, fix=fix or _fix(model, loc))


def _unknown(detail: dict[str, Any], model: type[BaseModel], place: str) -> Problem:
    """An unknown key, with the key that may be meant: of this section, or of one inside it.

    A key that would not take the value is not meant.
    """
    loc, value = detail["loc"], detail["input"]
    fields = _fields(model, loc[:-1])
    inside = {
        key: f"{section}.{key}"
        for section, field in fields.items()
        for key in _takers(_fields_of(_first_model(field.annotation)), value)
    }
    known = {**inside, **{key: key for key in _takers(fields, value)}}
    near = difflib.get_close_matches(str(loc[-1]), known, n=1)
    problem = plugins.unknown(str(loc[-1]), tuple(fields), where=place, noun="key")
    if not near or "." not in known[near[0]]:
        return problem
    meant = _path((*loc[:-1], known[near[0]]))
    return problem.model_copy(update={"fix": f"did you mean `{meant}`?"})


def _takers(fields: dict[str, FieldInfo], value: object) -> list[str]:
    """Keys whose type takes the value."""
    return [key for key, field in fields.items() if _takes(field, value)]


def _takes(field: FieldInfo, value: object) -> bool:
    kind: Any = Annotated[field.annotation, field]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def _fix(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    """What the nearest key says of itself: of an entry of a mapping, the mapping's."""
    for end in range(len(loc), 0, -1):
        field = _fields(model, loc[: end - 1]).get(str(loc[end - 1]))
        if field and field.description:
            return f"`{loc[end - 1]}` is: {field.description}"
    return "mend the value"


def _path(loc: tuple[str | int, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> dict[str, FieldInfo]:
    return _fields_of(_model_at(model, loc))


def _fields_of(owner: type[BaseModel] | None) -> dict[str, FieldInfo]:
    return owner.model_fields if owner else {}


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that a path of the spec leads to, or None."""
    current: Any = model
    for part in loc:
        if isinstance(part, str) and _is_model(current) and part in current.model_fields:
            current = current.model_fields[part].annotation
        found = _first_model(current)
        current = found or current
    return current if _is_model(current) else None


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _first_model(kind: Any) -> type[BaseModel] | None:  # noqa: ANN401 - an annotation of any kind
    if _is_model(kind):
        return kind  # type: ignore[no-any-return]
    if get_origin(kind) in (tuple, list, Union, types.UnionType):
        return next((found for arg in get_args(kind) if (found := _first_model(arg))), None)
    return None
