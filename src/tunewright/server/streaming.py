"""Answers on their way: server-sent events, and the end of work nobody waits for any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Delta
from tunewright.core.types import Request as Question
from tunewright.deploy.admission import Admission, Spent
from tunewright.deploy.keys import Key
from tunewright.deploy.respond import Specialist
from tunewright.server import wire
from tunewright.server.errors import of_tunewright

T = TypeVar("T")
Chunks = AsyncGenerator[dict[str, Any], None]


class ClientGone(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Desk:
    """Where answers are given: to those for whom there is room, and at a cost that is counted."""

    specialist: Specialist
    door: Admission
    paid: Callable[[int, int], None]
    """Told the tokens of the questions and of the answers."""

    async def together(
        self, requests: Sequence[Question], key: Key | None, *, logprobs: bool = False
    ) -> list[wire.Answer]:
        """All answers, asked at once so that the engine can batch; cancelled together."""
        chat = self.specialist.chat if logprobs else None
        with self.door.answering(key, len(requests)) as spent:
            heard = [list[Delta]() for _ in requests]
            tasks = [
                asyncio.ensure_future(self.specialist.complete(request, deltas.append))
                for request, deltas in zip(requests, heard, strict=True)
            ]
            try:
                found = await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
            self._pay(spent, max(one.prompt_tokens for one in found), sum(one.tokens for one in found))
        told = [wire.logprobs(deltas, chat) if chat else None for deltas in heard]
        return list(zip(found, told, strict=True))

    async def chunks(
        self,
        requests: Sequence[Question],
        head: dict[str, Any],
        key: Key | None,
        *,
        with_usage: bool,
        logprobs: bool = False,
    ) -> Chunks:
        """Chunks of every choice in turn; the first comes once the engine has begun to answer."""
        chat = self.specialist.chat if logprobs else None
        prompt_tokens = answered = 0
        with self.door.answering(key) as spent:
            try:
                for index, request in enumerate(requests):
                    opened = False
                    async with aclosing(self.specialist.stream(request)) as deltas:
                        async for delta in deltas:
                            prompt_tokens = max(prompt_tokens, delta.prompt_tokens)
                            answered += len(delta.token_ids) or delta.answer_tokens
                            if not opened:
                                yield wire.chunk(head, index, {"role": "assistant", "content": ""}, None)
                                opened = True
                            told = wire.logprobs([delta], chat) if chat and delta.logprobs else None
                            if delta.text or told:
                                yield wire.chunk(head, index, {"content": delta.text}, None, told)
                            if delta.finish_reason is not None:
                                yield wire.chunk(head, index, {}, wire.finish(delta.finish_reason))
            finally:
                self._pay(spent, prompt_tokens, answered)
        if with_usage:
            yield wire.usage_chunk(head, prompt_tokens, answered)

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
