"""Answers on their way: server-sent events, and the end of work nobody waits for any more."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
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
from tunewright.server.errors import UNEXPECTED, of_tunewright
from tunewright.server.wire import Answered, Heard

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
    """How answers of an endpoint are told, whole and in chunks."""

    def whole(self, answered: Answered) -> dict[str, Any]:
        """An answer of one choice or more."""
        ...

    def choice(self, index: int) -> Choice:
        """The chunks of one choice."""
        ...

    def usage(self, prompt: int, answer: int) -> dict[str, Any]:
        """The last chunk, where it was asked for."""
        ...


@dataclass
class Bill:
    """Tokens of a request so far: each prompt once, whatever the number of its choices, and every answer."""

    prompts: dict[tuple[int, ...], int] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)

    @property
    def prompt(self) -> int:
        """Tokens of the prompts."""
        return sum(self.prompts.values())

    @property
    def answer(self) -> int:
        """Tokens of the answers."""
        return sum(self.answers)

    def of(self, request: Question) -> Callable[[Delta], None]:
        """Told the deltas of one more choice; conversations of one request are all the same."""
        place, told = len(self.answers), 0
        self.answers.append(0)

        def heard(delta: Delta) -> None:
            nonlocal told
            told += len(delta.token_ids)
            self.prompts[request.prompt] = max(self.prompts.get(request.prompt, 0), delta.prompt_tokens)
            self.answers[place] = max(self.answers[place], told, delta.answer_tokens)

        return heard


@dataclass(frozen=True)
class Desk:
    """Where answers are given: to those for whom there is room, and at a cost that is counted."""

    specialist: Specialist
    door: Admission
    paid: Callable[[int, int], None]
    """Told the tokens of the questions and of the answers."""

    async def together(self, requests: Sequence[Question], key: Key | None) -> Answered:
        """All answers, asked at once so that the engine can batch; cancelled together."""
        with self.door.answering(key, len(requests)) as spent:
            bill = Bill()
            tasks = [asyncio.ensure_future(self._heard(request, bill)) for request in requests]
            try:
                found = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                self._pay(spent, bill)
        return Answered(found, bill.prompt, bill.answer)

    async def chunks(
        self, requests: Sequence[Question], shape: Shape, key: Key | None, *, with_usage: bool
    ) -> Chunks:
        """Chunks of every choice in turn; the first comes once the engine has begun to answer."""
        bill = Bill()
        with self.door.answering(key) as spent:
            try:
                for index, request in enumerate(requests):
                    choice, heard = shape.choice(index), bill.of(request)
                    async with aclosing(self.specialist.stream(request)) as deltas:
                        async for delta in deltas:
                            heard(delta)
                            for chunk in choice.take(delta):
                                yield chunk
            finally:
                self._pay(spent, bill)
        if with_usage:
            yield shape.usage(bill.prompt, bill.answer)

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int, key: Key | None) -> list[Delta]:
        """What the model says of the prompts themselves."""
        with self.door.answering(key, len(prompts)) as spent:
            spent.tokens = sum(map(len, prompts))  # also where nobody waits for the end
            self.paid(spent.tokens, 0)
            return await self.specialist.engine.read(prompts, likeliest)

    async def _heard(self, request: Question, bill: Bill) -> Heard:
        deltas, pay = list[Delta](), bill.of(request)

        def heard(delta: Delta) -> None:
            deltas.append(delta)
            pay(delta)

        return Heard(await self.specialist.complete(request, heard), deltas)

    def _pay(self, spent: Spent, bill: Bill) -> None:
        spent.tokens = bill.prompt + bill.answer
        self.paid(bill.prompt, bill.answer)


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
    except Exception:
        logging.getLogger(__name__).exception("an answer broke off")
        yield _event(UNEXPECTED.body())


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"  # in ASCII: some clients take more than `\\n` for an end of line
