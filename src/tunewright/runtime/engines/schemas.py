"""JSON schemas as grammars, by llguidance, which also works inside llama.cpp: one reading of a schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tunewright.core.errors import Unanswerable
from tunewright.runtime.lazy import require

_SPACING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""As `json.dumps` writes it: a model left to itself can go on with white space for ever."""


def grammar(schema: Mapping[str, Any]) -> str:
    """A grammar in llguidance's form; raises `Unanswerable` for a schema that it cannot follow."""
    kind = require("llguidance", extra="serve").LLMatcher
    made: str = kind.grammar_from_json_schema(json.dumps(schema), overrides=_SPACING)
    problem = kind.validate_grammar(made)
    if problem:
        raise Unanswerable(
            f"the JSON schema cannot be followed: {problem.splitlines()[0]}",
            where="response_format",
            fix="mend the schema, or leave out what it says there",
        )
    return made


def for_llamacpp(schema: Mapping[str, Any]) -> str:
    """The same for llama.cpp, which reads llguidance's other form; raises `Unanswerable`."""
    grammar(schema)
    return f"%llguidance {{}}\nstart: %json {json.dumps({**schema, 'x-guidance': _SPACING})}\n"
