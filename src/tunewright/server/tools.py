"""Functions that a model may call: read out of what it said, and back into what its template expects."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.DOTALL)
_OPENINGS = ("<tool_call>", "{", "[")
"""How a call may begin: between marks (Qwen, Hermes), or as the whole answer in JSON (Llama, Mistral)."""


@dataclass(frozen=True)
class Said:
    """An answer taken apart."""

    text: str
    calls: tuple[dict[str, Any], ...] = ()


def said(answer: str, known: Collection[str]) -> Said:
    """The calls of functions that are known, and the words around them; all is words where there is none."""
    blocks = list(_BLOCK.finditer(answer))
    calls = tuple(call for block in blocks for call in _calls(block[1], known))
    if calls and len(calls) == len(blocks):
        around = _BLOCK.sub("", answer)
        return Said(around if around.strip() else "", calls)
    calls = tuple(_calls(answer.strip(), known))
    return Said("", calls) if calls else Said(answer)


def may_call(answer: str) -> bool:
    """Whether what was said so far may be the beginning of a call, or has one in it."""
    text = answer.lstrip()
    return (
        not text
        or _OPENINGS[0] in text
        or any(text.startswith(one) or one.startswith(text) for one in _OPENINGS)
    )


def as_trained(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call of an earlier turn with its arguments as an object: templates write them as JSON themselves."""
    function = dict(call["function"])
    try:
        read = json.loads(function["arguments"])
    except (ValueError, TypeError):
        read = function["arguments"]
    return {**call, "function": {**function, "arguments": read}}


def _calls(text: str, known: Collection[str]) -> Iterator[dict[str, Any]]:
    """Calls in a text of JSON; none where any part of it is something else."""
    try:
        found = json.loads(text)
    except ValueError:
        return
    listed = found if isinstance(found, list) else [found]
    named = [one for one in listed if isinstance(one, dict) and one.get("name") in known]
    if len(named) < len(listed):
        return
    for one in named:
        arguments = one.get("arguments", one.get("parameters", {}))
        written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        called = {"name": one["name"], "arguments": written}
        yield {"id": f"call_{uuid.uuid4().hex[:24]}", "type": "function", "function": called}
