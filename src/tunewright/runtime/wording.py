"""What pydantic says of a value, in words for whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WORDS = {
    "missing": ("this is missing", "add it"),
    "model_type": ("this must be a mapping of keys to values", "indent its keys below it"),
    "dict_type": ("this must be a mapping of keys to values", "write `{option: value}`"),
    "tuple_type": ("this must be a list", "put it in brackets, such as `[a, b]`"),
}


def say(detail: Mapping[str, Any]) -> tuple[str, str]:
    """What is wrong, and a remedy where the kind of the error alone tells one, else an empty text."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    return _WORDS.get(detail["type"], (message[0].lower() + message[1:], ""))


def choices(detail: Mapping[str, Any]) -> tuple[str, ...]:
    """The words that were allowed, where a word was wrong."""
    if detail["type"] != "literal_error":
        return ()
    listing = str(detail["ctx"]["expected"]).replace(" or ", ", ").split(", ")
    return tuple(word.strip("'") for word in listing)
