"""The child that llama.cpp runs in: started, asked over HTTP, replaced when it is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tunewright.core.errors import EngineError, ServeError, TooLong
from tunewright.runtime import children
from tunewright.runtime.children import Process

_MOMENT = 2.0


class Gone(Exception):
    """The child does not answer any more."""


class Child:
    """One llama.cpp server; who asks after its end gets a new one."""

    def __init__(self, options: Sequence[str], model: Path, timeout: float) -> None:
        self._command = [sys.executable, "-m", "tunewright.runtime.engines.llamacpp.child", *options]
        self._model, self._timeout = model, timeout
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._url, self._key = "", ""
        self.closed = False

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        return self._process.pid if self._process is not None else None

    @property
    def _runs(self) -> bool:
        return not self.closed and self._process is not None and self._process.poll() is None

    def ready(self) -> None:
        """Start the child unless it runs; raises `EngineError`."""
        with self._lock:
            if self.closed:
                raise EngineError("the engine was closed", where="engine llamacpp", fix="open it again")
            if self._runs:
                return
            if self._process is not None:
                children.end(self._process)
                self._process = None
            try:
                self._process, said = children.start(self._command, where=str(self._model), held=True)
            except ServeError as error:
                what = "llama.cpp ended before it could answer"
                fix = "see its messages above; a damaged file is exported again"
                raise EngineError(what, where=str(self._model), fix=fix) from error
            self._url, self._key = str(said["url"]), str(said["key"])

    def dying(self) -> None:
        """After a broken line: wait a moment for the end that probably broke it."""
        process = self._process
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_MOMENT)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self.closed = True
            if self._process is not None:
                children.end(self._process)
                self._process = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator[aiohttp.ClientSession]:
        """A client of the child that runs now; raises `Gone` where the line to it breaks."""
        if not self._runs:  # a thread takes its time where all cores compute
            await asyncio.to_thread(self.ready)
        headers = {"Authorization": f"Bearer {self._key}"}
        patience = aiohttp.ClientTimeout(total=None, sock_connect=self._timeout, sock_read=self._timeout)
        once = aiohttp.TCPConnector(force_close=True, limit=0)  # llama.cpp breaks connections that are kept
        how: dict[str, Any] = {"timeout": patience, "trust_env": False, "connector": once}
        try:
            async with aiohttp.ClientSession(self._url, headers=headers, **how) as client:
                yield client
        except TimeoutError as error:
            what = f"llama.cpp said nothing for {self._timeout:g} seconds"
            fix = "raise `timeout` of the engine, or lower `slots`"
            raise EngineError(what, where="engine llamacpp", fix=fix) from error
        except aiohttp.ClientError as error:
            await asyncio.to_thread(self.dying)
            raise Gone(str(error) or type(error).__name__) from error


async def whole(client: aiohttp.ClientSession, body: Mapping[str, Any]) -> dict[str, Any]:
    """The one answer to a completion."""
    return await _posted(client, "/completion", body)


async def cut(client: aiohttp.ClientSession, text: str) -> list[int]:
    """The tokens of a text, special ones read as such, whatever the file says is put before it."""
    body = {"content": text, "add_special": True, "parse_special": True}
    return [int(one) for one in (await _posted(client, "/tokenize", body))["tokens"]]


async def pieces(
    client: aiohttp.ClientSession, body: Mapping[str, Any]
) -> AsyncGenerator[dict[str, Any], None]:
    """The pieces of a completion as they come; leaving early cancels it."""
    async with client.post("/completion", json={**body, "stream": True}) as response:
        if response.status >= 300:
            _refuse(response.status, await response.read())
        async for line in response.content:
            if line.startswith(b"data:") and (said := line[5:].strip()) != b"[DONE]":
                found: dict[str, Any] = json.loads(said)
                if "error" in found:
                    _refuse(500, said)
                yield found


async def _posted(client: aiohttp.ClientSession, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    async with client.post(path, json=body) as response:
        content = await response.read()
    _refuse(response.status, content)
    return dict(json.loads(content))


def _refuse(status: int, content: bytes) -> None:
    if status < 300:
        return
    try:
        error = json.loads(content)["error"]
        what, kind = str(error["message"]), str(error.get("type"))
    except (ValueError, KeyError, TypeError):
        what, kind = f"status {status}", ""
    if kind == "exceed_context_size_error":
        fix = "shorten the messages, or raise `context` of the engine"
        raise TooLong(f"the conversation does not fit: {what}", where="messages", fix=fix)
    fix = "report this with the question that was asked"
    raise EngineError(f"llama.cpp refuses the question: {what}", where="engine llamacpp", fix=fix)
