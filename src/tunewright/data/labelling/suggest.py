"""Answers before the people: by an engine, or by the cheap model that learns from them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tunewright.core.errors import DataError
from tunewright.core.types import Candidate, Completion, Example, Message, Request
from tunewright.data.labelling.rank import suggested, wanting
from tunewright.runtime.measure.answer import requests
from tunewright.runtime.queue import Item, Queue, Suggestion

Ask = Callable[[list[Request]], list[Completion]]


def by_classical(queue: Queue) -> int:
    """Suggest what the cheap model says, from the labels so far; gives the number. Raises `DataError`."""
    found = suggested(queue.items())
    if not found:
        raise DataError(
            "there is nothing to learn from yet, or nothing left to suggest",
            where="label suggest",
            fix="label examples of two labels first, or suggest by an engine",
        )
    queue.suggest(found)
    return len(found)


def by_engine(queue: Queue, ask: Ask, candidate: Candidate, labels: Sequence[str] = ()) -> int:
    """Suggest what a candidate answers, one of `labels` if given; gives the number.

    The confidence is the probability that the model gave to the tokens of the answer it was not forced to.
    """
    items = [item for item in queue.items() if wanting(item)]
    said = ask(requests(candidate, [_example(item) for item in items], labels=labels))
    found = {
        item.id: Suggestion(value=one.text.strip(), confidence=_confidence(one), by=candidate.name)
        for item, one in zip(items, said, strict=True)
        if one.text.strip()
    }
    queue.suggest(found)
    return len(found)


def _example(item: Item) -> Example:
    turns = item.payload.get("messages") or [{"role": "user", "content": item.payload["text"]}]
    return Example(id=item.id, messages=tuple(Message.model_validate(turn) for turn in turns))


def _confidence(completion: Completion) -> float | None:
    return math.exp(min(0.0, sum(completion.logprobs))) if completion.logprobs else None
