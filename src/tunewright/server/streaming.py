"""Answers on their way: server-sent events, and the end of work nobody waits for any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Delta
from tunewright.core.types import Request as Question
from tunewright.deploy.admission import Admission, Spent
from tunewright.deploy.keys import Key
from tunewright.deploy.respond import Specialist
from tunewright.server.errors import of_tunewright
from tunewright.server.wire import Heard

T = TypeVar("T")
Chunks = AsyncGenerator[dict[str, Any], None]


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


class Choice(Protocol):
    """The chunks of one choice."""

    def take(self, delta: Delta) -> Iterator[dict[str, Any]]:
        """Chunks of what is certain after a delta."""
        ...


class Shape(Protocol):
    """How answers of an endpoint are told in chunks."""

    def choice(self, index: int) -> Choice:
        """The chunks of one choice."""
        ...

    def usage(self, prompt: int, answer: int) -> dict[str, Any]:
        """The last chunk, where it was asked for."""
        ...


@dataclass(frozen=True)
class Desk:
    """Where answers are given: to those for whom there is room, and at a cost that is counted."""

    specialist: Specialist
    door: Admission
    paid: Callable[[int, int], None]
    """Told the tokens of the questions and of the answers."""

    async def together(self, requests: Sequence[Question], key: Key | None) -> list[Heard]:
        """All answers, asked at once so that the engine can batch; cancelled together."""
        with self.door.answering(key, len(requests)) as spent:
            tasks = [asyncio.ensure_future(self._heard(request)) for request in requests]
            try:
                found = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
            prompt = max(one.whole.prompt_tokens for one in found)
            self._pay(spent, prompt, sum(one.whole.tokens for one in found))
        return found

    async def chunks(
        self, requests: Sequence[Question], shape: Shape, key: Key | None, *, with_usage: bool
    ) -> Chunks:
        """Chunks of every choice in turn; the first comes once the engine has begun to answer."""
        prompt_tokens = answered = before = 0
        with self.door.answering(key) as spent:
            try:
                for index, request in enumerate(requests):
                    choice, before, told = shape.choice(index), answered, 0
                    async with aclosing(self.specialist.stream(request)) as deltas:
                        async for delta in deltas:
                            prompt_tokens = max(prompt_tokens, delta.prompt_tokens)
                            told += len(delta.token_ids)
                            answered = before + max(told, delta.answer_tokens)
                            for chunk in choice.take(delta):
                                yield chunk
            finally:
                self._pay(spent, prompt_tokens, answered)
        if with_usage:
            yield shape.usage(prompt_tokens, answered)

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int, key: Key | None) -> list[Delta]:
        """What the model says of the prompts themselves."""
        with self.door.answering(key) as spent:
            found = await self.specialist.engine.read(prompts, likeliest)
            self._pay(spent, sum(map(len, prompts)), 0)
        return found

    async def _heard(self, request: Question) -> Heard:
        deltas = list[Delta]()
        return Heard(await self.specialist.complete(request, deltas.append), deltas)

    def _pay(self, spent: Spent, prompt: int, answer: int) -> None:
        spent.tokens = prompt + answer
        self.paid(prompt, answer)


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """The result of the work; it is cancelled, and `ClientGone` raised, if the client goes away."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGone
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class EventStream(StreamingResponse):
    """Chunks as server-sent events; whatever ends the response ends the engine's work."""

    def __init__(self, first: dict[str, Any], rest: Chunks) -> None:
        super().__init__(
            _events(first, rest), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
        )
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events; the client that goes away cancels them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._rest.aclose()


async def _events(first: dict[str, Any], rest: Chunks) -> AsyncIterator[str]:
    try:
        yield _event(first)
        async for chunk in rest:
            yield _event(chunk)
        yield "data: [DONE]\n\n"
    except TunewrightError as error:
        yield _event(of_tunewright(error).body())


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
