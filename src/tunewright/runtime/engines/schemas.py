"""JSON schemas as grammars, by llguidance, which also works inside llama.cpp: one reading of a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tunewright.core.errors import Unanswerable
from tunewright.runtime.lazy import require

_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As `json.dumps` writes it: a model left to itself can go on with white space for ever."""


@lru_cache(maxsize=64)
def grammar(schema: str) -> str:
    """A grammar in llguidance's form of a schema in JSON; raises `Unanswerable` for one it cannot follow."""
    kind = require("llguidance", extra="serve").LLMatcher
    try:
        made: str = kind.grammar_from_json_schema(schema, overrides=_SPACING)
        problem = kind.validate_grammar(made)
    except ValueError as error:
        raise refused(str(error)) from None
    if problem:
        raise refused(problem)
    return made


def for_llamacpp(schema: Mapping[str, Any]) -> str:
    """The same for llama.cpp, which reads llguidance's other form; raises `Unanswerable`."""
    grammar(json.dumps(schema))
    return f"%llguidance {{}}\nstart: %json {json.dumps({**schema, 'x-guidance': _SPACING})}\n"


def whole(text: str) -> None:
    """Raise `Unanswerable` where an answer that has ended is no JSON: the grammar gave up on the way."""
    try:
        json.loads(text)
    except ValueError as error:
        raise refused(f"its grammar grew too large on the way ({error})") from None


def refused(why: str) -> Unanswerable:
    """The error of a schema that cannot be followed."""
    return Unanswerable(
        f"the JSON schema cannot be followed: {(why.splitlines() or [''])[0]}",
        where="response_format",
        fix="mend the schema, or leave out what it says there",
    )
