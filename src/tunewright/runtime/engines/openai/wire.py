"""What is sent and what comes back: OpenAI's chat completions as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tunewright.core.types import Delta, FinishReason, Message, Request
from tunewright.runtime.engines.openai import OpenAI
from tunewright.runtime.measure.labels import label_of, normalised

_REASONS: dict[str, FinishReason] = {"length": "length"}
"""Everything else that ends an answer is its end."""


class Malformed(ValueError):
    """What came back is no chat completion."""


def body(options: OpenAI, request: Request) -> dict[str, Any]:
    """The JSON of a request; what is not asked for is not sent, but for the temperature."""
    sent: dict[str, Any] = {
        "model": options.model,
        "messages": [_turn(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
    }
    if request.top_p != 1:
        sent["top_p"] = request.top_p
    if request.seed is not None:
        sent["seed"] = request.seed
    if request.choices:
        sent |= _constraint(options, request.choices)
    elif request.stop:
        sent["stop"] = list(request.stop)
    if request.json_schema is not None:
        sent["response_format"] = _formed(request.json_schema)
    if options.stream:
        sent |= {"stream": True, "stream_options": {"include_usage": True}}
    if "max_completion_tokens" in options.body:  # models that think take this one and refuse the other
        del sent["max_tokens"]
    return {key: value for key, value in (sent | options.body).items() if value is not None}


def _turn(message: Message) -> dict[str, Any]:
    """A turn; the arguments of a call are text on the wire."""
    told = message.model_dump(exclude_defaults=True)
    for call in told.get("tool_calls", ()):
        function = call.get("function", {})
        if not isinstance(function.get("arguments", ""), str):
            function["arguments"] = json.dumps(function["arguments"], ensure_ascii=False)
    return told


def _constraint(options: OpenAI, choices: Sequence[str]) -> dict[str, Any]:
    if options.choices == "guided_choice":
        return {"guided_choice": list(choices)}
    if options.choices == "structured_outputs":
        return {"structured_outputs": {"choice": list(choices)}}
    if options.choices == "check":
        return {}
    schema = {
        "type": "object",
        "properties": {"answer": {"type": "string", "enum": list(choices)}},
        "required": ["answer"],
        "additionalProperties": False,
    }
    return {"response_format": _formed(schema)}


def _formed(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def whole(content: bytes, options: OpenAI, request: Request) -> Delta:
    """The one delta of a whole answer; raises `Malformed`."""
    found = _loaded(content)
    try:
        choice = found["choices"][0]
        text = choice["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise Malformed("there is no `choices[0].message.content` in it") from None
    if text is not None and not isinstance(text, str):
        raise Malformed("the content of the answer is no text")
    told = {"finish_reason": _reason(choice.get("finish_reason")), **_usage(found), **_ids(choice)}
    return Delta(text=settled(text or "", options, request), **told)


def piece(line: str) -> Delta | None:
    """A line of a stream as a delta without its end; None for one that says nothing; raises `Malformed`."""
    if not line.startswith("data:") or line[5:].strip() == "[DONE]":
        return None
    found = _loaded(line[5:].strip().encode())
    if "error" in found:
        raise Malformed(f"the endpoint broke off: {message_of(found)}")
    choices = found.get("choices") or [{}]
    try:
        text = (choices[0].get("delta") or {}).get("content") or ""
        reason = choices[0].get("finish_reason")
        return Delta(text=text, finish_reason=_reason(reason) if reason else None, **_usage(found))
    except (AttributeError, LookupError, TypeError, ValueError):
        raise Malformed("a piece of the answer is not as it should be") from None


def settled(text: str, options: OpenAI, request: Request) -> str:
    """The answer as it was asked for: one of the choices where it names exactly one, cut at a stop text."""
    if not request.choices:
        places = [place for stop in request.stop if stop and (place := text.find(stop)) >= 0]
        return text[: min(places)] if places else text
    if options.choices == "json_schema":
        with suppress(Malformed):  # an endpoint that knows no schema answers in words
            text = str(_loaded(text.encode()).get("answer", text))
    return label_of(text.strip().strip("\"'`.*"), request.choices) or _named(text, request.choices) or text


def _named(text: str, choices: Sequence[str]) -> str | None:
    """The only choice that stands in the text; one inside another that stands there does not count."""
    said = normalised(text)
    found = [choice for choice in choices if normalised(choice) in said]
    longest = [one for one in found if not any(one != other and one in other for other in found)]
    return longest[0] if len(longest) == 1 else None


def message_of(found: Mapping[str, Any]) -> str:
    """What an endpoint says is wrong, whichever of the customary ways it says it in."""
    error = found.get("error", found)
    said = error.get("message") if isinstance(error, dict) else error
    return str(said or found.get("detail") or found.get("message") or "no reason given")


def code_of(found: Mapping[str, Any]) -> str:
    """The endpoint's own word for what is wrong, or nothing."""
    error = found.get("error")
    return str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""


def _loaded(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        raise Malformed("it is no JSON") from None
    if not isinstance(found, dict):
        raise Malformed("it is no JSON object")
    return found


def _ids(choice: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Token ids, which some endpoints give where `body` asks for them (`return_token_ids`)."""
    told = choice.get("token_ids")
    whole = isinstance(told, list) and all(isinstance(one, int) for one in told)
    return {"token_ids": tuple(told)} if told and whole else {}


def _reason(said: object) -> FinishReason:
    return _REASONS.get(str(said), "stop")


def _usage(found: Mapping[str, Any]) -> dict[str, int]:
    usage = found.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    names = {"prompt_tokens": "prompt_tokens", "answer_tokens": "completion_tokens"}
    return {
        ours: value
        for ours, theirs in names.items()
        if isinstance(value := counts.get(theirs), int) and value > 0
    }
