"""Functions that a model may call: read out of what it said, and back into what its template expects."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.runtime.engines.text import overlap

_BLOCK = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_MARK, _JSON = "<tool_call>", ("{", "[")
"""How a call begins: between marks (Qwen, Hermes), or as the whole answer in JSON (Llama, Mistral)."""


@dataclass(frozen=True)
class Said:
    """An answer taken apart."""

    text: str
    calls: tuple[dict[str, Any], ...] = ()


def said(answer: str, known: Collection[str], *, alone: bool = True) -> Said:
    """The calls of functions that are known, and the words around them; all is words where there is none.

    Only an answer that stands `alone` may be a call as a whole, none that other words went before.
    """
    blocks = list(_BLOCK.finditer(answer))
    calls = tuple(call for block in blocks for call in _calls(block[1], known))
    if calls and len(calls) == len(blocks):
        around = _BLOCK.sub("", answer)
        return Said(around if around.strip() else "", calls)
    calls = tuple(_calls(answer.strip(), known)) if alone else ()
    return Said("", calls) if calls else Said(answer)


def certain(text: str, *, begun: bool) -> tuple[str, str]:
    """What of an answer so far is words for certain, and what is held since it may be a call.

    `begun` says that other words went before.
    """
    if not begun and (not text.strip() or text.lstrip().startswith(_JSON)):
        return "", text
    place = text.find(_MARK)
    if place < 0:
        place = len(text) - overlap(text, _MARK)
    return text[:place], text[place:]


def as_trained(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call of an earlier turn with its arguments as an object: templates write them as JSON themselves."""
    function = dict(call["function"])
    try:
        read = json.loads(function["arguments"])
    except (ValueError, TypeError, RecursionError):
        read = function["arguments"]
    return {**call, "function": {**function, "arguments": read}}


def _calls(text: str, known: Collection[str]) -> Iterator[dict[str, Any]]:
    """Calls in a text of JSON; none where any part of it is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    listed = found if isinstance(found, list) else [found]
    names = [one.get("name") if isinstance(one, dict) else None for one in listed]
    if not all(isinstance(name, str) and name in known for name in names):
        return
    for one in listed:
        arguments = one.get("arguments", one.get("parameters", {}))
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        called = {"name": one["name"], "arguments": written}
        yield {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": called}
