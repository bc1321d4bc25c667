"""Questions to an engine in a test, and answers to compare."""

from __future__ import annotations

import math
from typing import Any

from tunewright.core.types import Completion, Delta, Message, Request
from tunewright.runtime.engine import Engine

ROUNDING = 1e-5
"""Log-probabilities differ by this where a beginning that was read before is read in another batch."""


def ask(question: str, **options: Any) -> Request:  # noqa: ANN401 - fields of `Request`
    """A request of one user turn, at most 12 tokens unless said otherwise."""
    return Request(messages=(Message(role="user", content=question),), **{"max_tokens": 12, **options})


async def collect(engine: Engine, request: Request) -> list[Delta]:
    """Every delta of an answer."""
    return [delta async for delta in engine.stream(request)]


def without_time(completion: Completion) -> Completion:
    """The completion with its duration set to zero, to compare."""
    return completion.model_copy(update={"seconds": 0.0})


def alike(a: Completion, b: Completion) -> bool:
    """Whether two answers are the same, their log-probabilities within `ROUNDING`."""
    plain = [without_time(one).model_copy(update={"logprobs": ()}) for one in (a, b)]
    return plain[0] == plain[1] and near(a.logprobs, b.logprobs)


def near(a: tuple[float, ...] | list[float], b: tuple[float, ...] | list[float]) -> bool:
    """Whether two lists of log-probabilities are the same within `ROUNDING`."""
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(math.isclose(x, y, abs_tol=ROUNDING) for x, y in pairs)
