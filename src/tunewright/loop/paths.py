"""One place of a spec, named by a path such as `train.tuner.r`, in its plain values."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from tunewright.runtime.plugins import Named


def put(values: dict[str, Any], kind: type[BaseModel], path: str, value: object) -> None:
    """Set what `path` names in the plain values of a model.

    Raises `ValueError` where it leads through a value. Below a plug-in stands one of its options, with its
    name before it or without: `train.tuner.lora.r` or `train.tuner.r`. Below a mapping everything is one key,
    dots and all: `data.mix.ratios.data/old.csv`.
    """
    _put(values, kind, path.split("."), value)


def _put(values: dict[str, Any], kind: object, parts: Sequence[str], value: object) -> None:
    name, *rest = parts
    inner = _kind_of(kind, name)
    if not rest:
        values[name] = value
    elif inner is Named:
        values[name] = _with_option(values.get(name) or _default(kind, name), rest, value)
    else:
        below = values[name] = {} if values.get(name) is None else values[name]
        if not isinstance(below, dict):
            raise ValueError(".".join(parts))
        _put(below, inner, [".".join(rest)] if get_origin(inner) is dict else rest, value)


def _with_option(now: object, rest: Sequence[str], value: object) -> object:
    """The plug-in with one option set; another plug-in than the present one begins without options."""
    named = Named.model_validate(now) if now is not None else None
    *said, option = rest
    name = said[0] if said else named.name if named else ""
    if len(said) > 1 or not name:
        raise ValueError(".".join(rest))
    options = named.options if named is not None and named.name == name else {}
    return {name: {**options, option: value}}


def _default(kind: Any, name: str) -> object:  # noqa: ANN401 - a model
    return kind.model_fields[name].get_default(call_default_factory=True)


def _kind_of(kind: object, name: str) -> object:
    """What stands at `name` of a model, None aside; `object` where nothing is known of it."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or name not in kind.model_fields:
        return object
    found: Any = kind.model_fields[name].annotation
    while get_origin(found) in (Annotated, Union, types.UnionType):
        given = [one for one in get_args(found) if one is not type(None)]
        found = given[0]
    return found
