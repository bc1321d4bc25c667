"""Run the app with uvicorn on a socket that is already bound."""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from tunewright.deploy.admission import Admission
from tunewright.deploy.respond import Specialist
from tunewright.server.app import create_app


class _Server(uvicorn.Server):
    """Tells when it answers, and from when on it takes no more."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], door: Admission) -> None:
        super().__init__(config)
        self._ready, self._door = ready, door

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """At a signal, finish what is under way; a second one ends that, too. Either is a usual end."""
        del sig, frame
        self._door.closing, self.force_exit, self.should_exit = True, self.should_exit, True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def run(
    specialist: Specialist, admission: Admission, on: socket.socket, ready: Callable[[str], None]
) -> None:
    """Serve until a signal comes; Ctrl-C is the usual end, not an error."""
    config = uvicorn.Config(
        create_app(specialist, admission),
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=math.ceil(admission.limits.drain_seconds),
    )
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, lambda: ready(address(on)), admission).run(sockets=[on])


def address(on: socket.socket) -> str:
    """Base URL for a client, such as `http://127.0.0.1:8000/v1`."""
    host, port = on.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
