"""Plug-ins: found by entry point, named in the spec, built from a frozen dataclass."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, model_serializer, model_validator

from tunewright.core.errors import SpecError
from tunewright.core.types import Frozen, Problem


class Named(Frozen):
    """A plug-in by name with its options; `lora` or `{lora: {r: 8}}` in the spec."""

    model_config = ConfigDict(
        json_schema_extra={"description": "a plug-in: its name, or {name: {option: value}}"}
    )

    name: str
    options: dict[str, Any] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and len(value) == 1 and "name" not in value:
            ((name, options),) = value.items()
            return {"name": name, "options": {} if options is None else options}
        return value

    @model_serializer
    def _short(self) -> str | dict[str, Any]:
        return {self.name: self.options} if self.options else self.name


@cache
def _listed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"tunewright.{group}")}


def names(group: str) -> tuple[str, ...]:
    """Names of the installed plug-ins of a group such as `tuners`."""
    return tuple(sorted(_listed(group)))


def load(group: str, name: str) -> type[Any]:
    """The class of an installed plug-in, which is a dataclass of its options."""
    kind: type[Any] = _listed(group)[name].load()
    return kind


@cache
def versions() -> dict[str, str]:
    """Version of every package that brings plug-ins of its own; ours count by the stages' versions."""
    found = [
        point.dist
        for group in entry_points().groups
        if group.startswith("tunewright.")
        for point in entry_points(group=group)
    ]
    return {dist.name: dist.version for dist in found if dist is not None and dist.name != "tunewright"}


def make(group: str, named: Named | str) -> Any:  # noqa: ANN401 - each group has its own port
    """Build the plug-in `named`; unknown names and wrong options raise `SpecError`."""
    named = Named.model_validate(named)
    problems = tuple(check(group, named, where=group))
    if problems:
        raise SpecError(problems=problems)
    return TypeAdapter(load(group, named.name)).validate_python(named.options)


def metadata(group: str, name: str) -> dict[str, Mapping[str, Any]]:
    """What the fields of a plug-in say of themselves, by name of the field; nothing of an unknown one."""
    if name not in _listed(group):
        return {}
    return {field.name: field.metadata for field in dataclasses.fields(load(group, name))}


def check(group: str, named: Named, *, where: str) -> Iterator[Problem]:
    """Everything that is wrong with a named plug-in, without running it."""
    listed = _listed(group)
    if named.name not in listed:
        yield unknown(named.name, tuple(listed), where=where, noun=f"{group[:-1]}")
        return
    kind = load(group, named.name)
    known = tuple(field.name for field in dataclasses.fields(kind))
    for option in named.options:
        if option not in known:
            yield unknown(option, known, where=f"{where}.{named.name}", noun="option")
    try:
        TypeAdapter(kind).validate_python({k: v for k, v in named.options.items() if k in known})
    except ValidationError as error:
        for detail in error.errors():
            yield _wrong(dict(detail), kind, f"{where}.{named.name}")


def _wrong(detail: dict[str, Any], kind: Any, where: str) -> Problem:  # noqa: ANN401 - a plug-in's dataclass
    place = ".".join([where, *map(str, detail["loc"])])
    if known := choices(detail):
        return unknown(str(detail["input"]), known, where=place, noun="value")
    what, fix = say(detail)
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    option = detail["loc"][0] if detail["loc"] else ""
    default = defaults.get(str(option), dataclasses.MISSING)
    usual = "" if default in (dataclasses.MISSING, None, ()) else f"the default is `{option}: {default}`"
    return Problem(where=place, what=what, fix=fix or usual or "mend the value")


_WORDS = {
    "missing": ("this is missing", "add it"),
    "model_type": ("this must be a mapping of keys to values", "indent its keys below it"),
    "dict_type": ("this must be a mapping of keys to values", "write `{option: value}`"),
    "tuple_type": ("this must be a list", "put it in brackets, such as `[a, b]`"),
}


def say(detail: Mapping[str, Any]) -> tuple[str, str]:
    """What pydantic found wrong, in words, and a remedy where the kind of the error alone tells one."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    return _WORDS.get(detail["type"], (message[0].lower() + message[1:], ""))


def choices(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """The words that were allowed, where a word was wrong."""
    if detail["type"] != "literal_error":
        return ()
    listing = str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
    return tuple(word.strip("'") for word in listing)


def unknown(name: str, known: tuple[str, ...], *, where: str, noun: str) -> Problem:
    """The problem of a name that nobody knows, with the nearest one that is known."""
    near = difflib.get_close_matches(name, known, n=1)
    listing = ", ".join(f"`{item}`" for item in sorted(known)) or "none"
    return Problem(
        where=where,
        what=f"unknown {noun} `{name}`",
        fix=f"did you mean `{near[0]}`?" if near else f"known: {listing}",
    )
