"""Run the app with uvicorn on a socket that is already bound."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable

import uvicorn

from tunewright.deploy.admission import Admission
from tunewright.deploy.respond import Specialist
from tunewright.server.app import create_app

PATIENCE = 5
"""Seconds that open answers have to finish once the server is asked to stop."""


class _Server(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

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
        timeout_graceful_shutdown=PATIENCE,
    )
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, lambda: ready(address(on))).run(sockets=[on])


def address(on: socket.socket) -> str:
    """Base URL for a client, such as `http://127.0.0.1:8000/v1`."""
    host, port = on.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
