"""What an endpoint refuses, in words; what is worth asking again, and when."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from tunewright.core.errors import EngineError, TooLong
from tunewright.runtime.engines.openai import OpenAI, wire

AGAIN = (408, 409, 429, 500, 502, 503, 504)
"""Answers after which the same question may be answered."""
FIRST, LONGEST = 0.5, 30.0
"""Seconds before the first repetition; each further one waits twice as long, up to the second."""
PATIENCE = 120.0
"""Most seconds that an endpoint may ask for."""
_SHOWN = 300
_NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")
_FILTERED = ("content_filter", "content_policy_violation")
_TOO_LONG = ("context_length_exceeded", "context length", "maximum context", "too many tokens")


class Again(Exception):
    """The question may be asked again; `error` is what to raise when that was done often enough."""

    def __init__(self, error: EngineError, seconds: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.seconds = seconds


def pause(attempt: int, asked: float | None, chance: random.Random) -> float:
    """Seconds to wait before repetition `attempt`, from 0: what the endpoint asked for, else twice as long.

    Half of the time is chance, so that questions refused together do not come back together.
    """
    if asked is not None:
        return asked + chance.uniform(0, FIRST)
    return min(LONGEST, FIRST * 2.0**attempt) * chance.uniform(0.5, 1)


def refused(
    options: OpenAI, status: int, headers: Mapping[str, str], content: bytes, secret: str | None
) -> EngineError | Again:
    """The error for an answer that is none; `Again` where it may go away."""
    found = _object(content)
    said = wire.message_of(found)
    said = (said.replace(secret, "***") if secret else said)[:_SHOWN]
    error = _error(options, status, wire.code_of(found), said)
    if status not in AGAIN or wire.code_of(found) in _NO_CREDIT:
        return error
    seconds = _retry_after(headers.get("retry-after"))
    return error if seconds is not None and seconds > PATIENCE else Again(error, seconds)


def filtered(content: bytes) -> bool:
    """Whether the provider's filter took offence at this one question; others may be answered."""
    return wire.code_of(_object(content)) in _FILTERED


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(options: OpenAI, status: int, code: str, said: str) -> EngineError:
    where = f"{options.url} ({status})"
    if status in (401, 403):
        named = f"the variable `{options.key}`" if options.key else "`key`, which is not given"
        return EngineError(f"the endpoint refuses the key: {said}", where=where, fix=f"look at {named}")
    if status == 404 or code == "model_not_found":
        fix = f"is `{options.model}` listed at {options.url}/models? Does the address end in `/v1`?"
        return EngineError(f"the endpoint does not know this model or address: {said}", where=where, fix=fix)
    if any(word in f"{code} {said}".lower() for word in _TOO_LONG):
        return TooLong(f"the conversation is too long: {said}", where=where, fix="shorten what is asked")
    if code in _NO_CREDIT:
        fix = "fill up the account, or take another"
        return EngineError(f"the account has no credit: {said}", where=where, fix=fix)
    if status in AGAIN:
        fix = "try later, or with a smaller `parallel`; answers so far are kept"
        return EngineError(f"the endpoint is busy or broken: {said}", where=where, fix=fix)
    fix = "take out or change what it names, with `body` if need be"
    return EngineError(f"the endpoint refuses the question: {said}", where=where, fix=fix)


def unreachable(options: OpenAI, why: str) -> EngineError:
    """No connection."""
    fix = "is the server running, and is the address right?"
    return EngineError(f"there is no connection to the endpoint ({why})", where=options.url, fix=fix)


def silent(options: OpenAI) -> EngineError:
    """No answer in time."""
    fix = "give a longer `timeout`, a smaller `parallel`, or ask for shorter answers"
    return EngineError(f"no answer within {options.timeout:g} seconds", where=options.url, fix=fix)


def malformed(options: OpenAI, why: object) -> EngineError:
    """An answer that cannot be read."""
    fix = "does the address end as it should (`/v1`), and does it speak OpenAI's chat completions?"
    return EngineError(f"the endpoint's answer cannot be read: {why}", where=options.url, fix=fix)


def _retry_after(value: str | None) -> float | None:
    """Seconds, given as a number or as a date."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        left = parsedate_to_datetime(value) - dt.datetime.now(dt.UTC)
    except (ValueError, TypeError):
        return None
    return max(0.0, left.total_seconds())
