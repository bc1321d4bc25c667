"""A real server on a port of its own, answering with the shipped fake engine."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import openai
import pytest
import uvicorn

from tunewright.core.types import Checkpoint, Delta, ModelRef, Request
from tunewright.deploy.admission import Admission
from tunewright.deploy.respond import Specialist, specialist
from tunewright.runtime.engine import Engine
from tunewright.runtime.settings import Settings
from tunewright.server import listen
from tunewright.server.app import create_app
from tunewright.server.running import address
from tunewright.testing.echo import Echo

LABELS = ("card lost", "top up", "exchange rate")


@dataclass
class Watched:
    """An engine that remembers what it was asked, and how each answer ended."""

    engine: Engine
    asked: list[Request] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    closed: bool = False

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        self.asked.append(request)
        how = "closed"
        try:
            async for delta in self.engine.stream(request):
                yield delta
            how = "finished"
        finally:
            self.ended.append(how)

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        return await self.engine.read(prompts, likeliest)

    def close(self) -> None:
        self.closed = True


def checkpoint(labels: tuple[str, ...] = ()) -> Checkpoint:
    base = ModelRef(name="tiny", revision="1", sha256="0")
    return Checkpoint(
        id="checkpoint-1", path=Path(), digest="0", base=base, instruction="Be brief.", labels=labels
    )


def echoing(labels: tuple[str, ...] = (), *, delay: float = 0.0) -> tuple[Specialist, Watched]:
    frozen = checkpoint(labels)
    settings = Settings(cache=Path(), threads=1, offline=True)
    watched = Watched(Echo(delay=delay).open(frozen, settings))
    return specialist(watched, frozen, name="desk"), watched


@contextlib.contextmanager
def served(answering: Specialist, admission: Admission | None = None) -> Iterator[str]:
    """The base URL of a server that runs until the block ends."""
    taken = listen(port=0)
    app = create_app(answering, admission)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    thread = threading.Thread(target=lambda: server.run(sockets=[taken]))
    thread.start()
    try:
        yield address(taken)
    finally:
        server.should_exit = True
        thread.join()


def connected(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=20)


Served = tuple[openai.OpenAI, Watched]


@pytest.fixture(scope="session")
def desk_server() -> Iterator[Served]:
    answering, watched = echoing()
    with served(answering) as url, connected(url) as client:
        yield client, watched


@pytest.fixture(scope="session")
def router_server() -> Iterator[Served]:
    answering, watched = echoing(LABELS)
    with served(answering) as url, connected(url) as client:
        yield client, watched


@pytest.fixture
def desk(desk_server: Served) -> Served:
    return _fresh(desk_server)


@pytest.fixture
def router(router_server: Served) -> Served:
    """A classifier."""
    return _fresh(router_server)


def _fresh(server: Served) -> Served:
    server[1].asked.clear()
    server[1].ended.clear()
    return server
