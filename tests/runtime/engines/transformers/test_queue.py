"""Nobody waits for ever: what goes wrong in the queue is raised by every stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tunewright.core.errors import EngineError
from tunewright.core.types import Message, Request

pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tunewright.runtime.engines.text import Writer  # noqa: E402
from tunewright.runtime.engines.transformers.answers import Free  # noqa: E402
from tunewright.runtime.engines.transformers.batch import Batch, Row  # noqa: E402
from tunewright.runtime.engines.transformers.loading import refuse_unknown_sizes  # noqa: E402
from tunewright.runtime.engines.transformers.queue import Queue  # noqa: E402


def row() -> Row:
    request = Request(messages=(Message(role="user", content="hi"),))
    return Row(Free([1], request, Writer(lambda ids: str(ids), ()), frozenset(), 4), [1], 4)


def test_a_plan_that_fails_is_told_to_all_that_wait_and_the_next_are_planned_anew() -> None:
    plans: list[int] = []

    def plan(rows: Sequence[Row]) -> list[Batch]:
        plans.append(len(rows))
        raise ValueError("no such width")

    async def asked() -> None:
        with ThreadPoolExecutor(1) as executor:
            queue = Queue(plan, executor)
            for number in (2, 1):
                waiting = [queue.add(row()) for _ in range(number)]
                for one in waiting:
                    told = await asyncio.wait_for(one.deltas.get(), 10)
                    assert isinstance(told, EngineError) and "no such width" in told.problems[0].what
                await asyncio.sleep(0)

    asyncio.run(asked())
    assert plans == [2, 1]


@pytest.mark.parametrize("config", ["GPT2Config", "OPTConfig", "BloomConfig"])
def test_an_architecture_that_does_not_say_its_sizes_is_refused(config: str) -> None:
    with pytest.raises(EngineError, match="does not say its `"):
        refuse_unknown_sizes(getattr(transformers, config)())


def test_an_architecture_that_says_its_sizes_is_taken() -> None:
    refuse_unknown_sizes(transformers.LlamaConfig())
