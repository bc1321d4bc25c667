"""A thousand clients that go away in the middle of a stream: tasks, handles and answers return to the start.

The embedded model as Q8_0 on llama.cpp behind our server, in this process, so that its tasks can be counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import threading
from pathlib import Path

import httpx
import psutil
import uvicorn

from benchmarks.record import record
from tunewright.core.types import Checkpoint
from tunewright.deploy.admission import Admission
from tunewright.deploy.exports.gguf import carry
from tunewright.deploy.respond import open_specialist
from tunewright.runtime import models, settings
from tunewright.runtime.plugins import Named
from tunewright.server import listen
from tunewright.server.app import create_app
from tunewright.server.running import address

MODEL = "smollm2-135m-instruct"
CLIENTS, ABREAST = 1000, 16
ENGINE = Named(name="llamacpp", options={"slots": 4, "context": 512})
_LIBRARIES = ("tunewright", "xllamacpp", "fastapi", "uvicorn", "httpx")


class Watched:
    """A server in a thread of its own, whose loop can be looked into."""

    def __init__(self, base: Checkpoint) -> None:
        self.door = Admission()
        opened = open_specialist(base, settings.read(), engine=ENGINE, name=MODEL)
        self.on = listen(port=0)
        config = uvicorn.Config(create_app(opened, self.door), log_level="warning", access_log=False)
        self.server, self.loop = uvicorn.Server(config), asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.server.serve(sockets=[self.on]))

    def tasks(self) -> int:
        """Tasks of the server's loop."""
        return len(asyncio.all_tasks(self.loop))

    def end(self) -> None:
        """Stop, and wait."""
        self.server.should_exit = True
        self.thread.join()


def handles() -> int:
    """Open files and sockets of this process."""
    return psutil.Process().num_fds()


async def leave(url: str, chance: random.Random) -> None:
    """Ask for a long answer, and go after some of it: before its first byte, or later."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Tell me a long story."}],
        "max_tokens": 200,
        "stream": chance.random() < 0.8,
    }
    patience = chance.uniform(0.001, 0.5)
    async with httpx.AsyncClient(timeout=30) as client:
        with contextlib.suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(patience), client.stream("POST", url, json=body) as response:
                async for _ in response.aiter_raw():
                    pass


async def crowd(url: str, clients: int) -> None:
    """So many clients, some at a time."""
    chance, door = random.Random(0), asyncio.Semaphore(ABREAST)

    async def one() -> None:
        async with door:
            await leave(url, chance)

    await asyncio.gather(*(one() for _ in range(clients)))


def settled(server: Watched) -> tuple[int, int, int]:
    """Tasks, handles and answers under way, once they stay as they are."""
    found = [(-1, -1, -1)]
    for _ in range(100):
        asyncio.run(asyncio.sleep(0.2))
        found.append((server.tasks(), handles(), server.door.under_way))
        if len(found) > 5 and len(set(found[-5:])) == 1:
            break
    return found[-1]


def main() -> None:
    """Count before and after."""
    quick = "--quick" in sys.argv
    clients = 100 if quick else CLIENTS
    with tempfile.TemporaryDirectory() as place:
        base = models.resolve(MODEL, settings.read())
        carry(base.path, Path(place), "q8_0")
        server = Watched(base.model_copy(update={"path": Path(place)}))
        url = f"{address(server.on)}/chat/completions"
        asyncio.run(crowd(url, ABREAST))
        before = settled(server)
        asyncio.run(crowd(url, clients))
        after = settled(server)
        answer = httpx.post(
            url,
            json={"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4},
            timeout=60,
        )
        server.end()
    names = ("tasks", "handles", "answers")
    figures: dict[str, float | int | None] = {"clients": clients}
    figures |= {f"leaked_{name}": max(0, b - a) for name, a, b in zip(names, before, after, strict=True)}
    figures |= {"answered_afterwards": int(answer.status_code == 200)}
    record("disconnects", figures, quick=quick, libraries=_LIBRARIES)


if __name__ == "__main__":
    main()
