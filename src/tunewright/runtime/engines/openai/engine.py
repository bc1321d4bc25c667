"""The engine itself: asks, waits, asks again where that may help, and gives deltas."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx

from tunewright.core.errors import EngineError, Unanswerable
from tunewright.core.types import Delta, Request
from tunewright.runtime.engines.openai import OpenAI, failures, wire
from tunewright.runtime.engines.openai.failures import Again

_HERE = {"localhost", "127.0.0.1", "::1"}


class OpenAIEngine:
    """Questions to one endpoint, at most `parallel` of them open at a time."""

    def __init__(
        self,
        options: OpenAI,
        key: str | None,
        *,
        offline: bool = False,
        chance: random.Random,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(options.url)
        here = parts.hostname in _HERE
        if parts.scheme not in ("http", "https") or not parts.hostname:
            fix = "write it whole, such as `http://127.0.0.1:8001/v1`"
            raise EngineError("this is no web address", where="engine openai.url", fix=fix)
        if offline and not here:
            fix = "unset TUNEWRIGHT_OFFLINE, or take a server on this machine"
            raise EngineError("TUNEWRIGHT_OFFLINE forbids this address", where=options.url, fix=fix)
        self._options, self._key, self._chance, self._wait = options, key, chance, wait
        self._url = f"{options.url.rstrip('/')}/chat/completions"
        # Proxies and certificates of the environment are for addresses outside this machine.
        # A context is made once: it takes longer than many an answer, and plain http needs none.
        verify = ssl.create_default_context() if parts.scheme == "https" else False
        self._client: dict[str, Any] = {"timeout": options.timeout, "trust_env": not here, "verify": verify}
        self._doors: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
        self._reached = False

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Deltas of one answer: one where it comes whole; raises `EngineError` and `TooLong`.

        `token_ids` and `logprobs` stay empty; tokens are counted where the endpoint counts them.
        """
        if request.prompt:
            raise Unanswerable(
                "an endpoint is asked by conversations, not by token ids",
                where="prompt",
                fix="send messages, or take the engine `transformers` with the model on this machine",
            )
        if request.tools:
            raise Unanswerable(
                "calls of functions are not heard from an endpoint", where="tools", fix="leave them out"
            )
        async with self._door():
            for attempt in range(self._options.retries + 1):
                begun = False
                try:
                    async with aclosing(self._asked(request)) as deltas:
                        async for delta in deltas:
                            begun = True
                            yield delta
                except Again as again:
                    if begun or attempt == self._options.retries:
                        raise again.error from None
                    await self._wait(failures.pause(attempt, again.seconds, self._chance))
                else:
                    return

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """Refused: chat completions take no token ids and tell nothing of a prompt."""
        del prompts, likeliest
        raise EngineError(
            "an endpoint gives no log-probabilities of a prompt's tokens",
            where=self._options.url,
            fix="take the engine `transformers` with the model on this machine",
        )

    def close(self) -> None:
        """Nothing stays open between questions."""

    def _door(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        return self._doors.setdefault(loop, asyncio.Semaphore(max(1, self._options.parallel)))

    async def _asked(self, request: Request) -> AsyncGenerator[Delta, None]:
        """One attempt; what httpx and the wire have to say becomes an error of ours here."""
        try:
            async with httpx.AsyncClient(**self._client) as client, self._sent(client, request) as response:
                self._reached = True
                if response.status_code >= 300:
                    yield self._silence(response, await response.aread())
                elif self._options.stream:
                    async for delta in self._pieces(response, request):
                        yield delta
                else:
                    yield wire.whole(await response.aread(), self._options, request)
        except wire.Malformed as error:
            raise failures.malformed(self._options, error) from None
        except httpx.TimeoutException:
            raise self._lost(failures.silent(self._options)) from None
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
            why = str(error) or type(error).__name__
            raise self._lost(failures.unreachable(self._options, why)) from None

    def _sent(self, client: httpx.AsyncClient, request: Request) -> Any:  # noqa: ANN401 - a context manager
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return client.stream("POST", self._url, json=wire.body(self._options, request), headers=headers)

    def _silence(self, response: httpx.Response, content: bytes) -> Delta:
        """An empty answer where the provider's filter wants none; raises for everything else."""
        if failures.filtered(content):
            return Delta(finish_reason="stop")
        raise failures.refused(self._options, response.status_code, response.headers, content, self._key)

    def _lost(self, error: EngineError) -> EngineError | Again:
        """An endpoint that was there may come back; an address that never answered is wrong."""
        return Again(error) if self._reached else error

    async def _pieces(self, response: httpx.Response, request: Request) -> AsyncIterator[Delta]:
        """Deltas of a stream, the last with the reason and the counts, which come in pieces of their own.

        An answer from a list is held until it is whole, so that it can be read against the list.
        """
        held, last = "", Delta()
        async for line in _lines(response):
            delta = wire.piece(line)
            if delta is None:
                continue
            last = last.model_copy(update=delta.model_dump(exclude={"text"}, exclude_defaults=True))
            if request.choices:
                held += delta.text
            elif delta.text:
                yield Delta(text=delta.text)
        if last.finish_reason is None:
            raise wire.Malformed("the answer broke off before its end")
        yield last.model_copy(update={"text": wire.settled(held, self._options, request) if held else ""})


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines of a stream of events: other characters that end lines in Unicode are part of an answer."""
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    yield rest.decode(errors="replace")
