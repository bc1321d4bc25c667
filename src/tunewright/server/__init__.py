"""The server: a specialist behind OpenAI's wire format. Light; what it needs is loaded when called."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tunewright.core.errors import ServeError
from tunewright.deploy.admission import Admission
from tunewright.runtime.lazy import require

if TYPE_CHECKING:
    from tunewright.deploy.respond import Specialist

__all__ = ["listen", "serve"]

_REASONS = {
    errno.EADDRINUSE: ("the port is in use", "take another with `--port`, or end the program that has it"),
    errno.EACCES: ("this port needs more rights", "take one above 1023 with `--port`"),
}


def listen(host: str = "127.0.0.1", port: int = 8000) -> socket.socket:
    """Take the port before anything is loaded; 0 takes a free one. Raises `ServeError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        number = error.errno if isinstance(error, OSError) else None
        what, fix = _REASONS.get(number or 0, (f"cannot listen: {error}", "check host and port"))
        raise ServeError(what, where=f"{host}:{port}", fix=fix) from error


def serve(
    specialist: Specialist,
    on: socket.socket,
    *,
    ready: Callable[[str], None],
    admission: Admission | None = None,
) -> None:
    """Answer until interrupted, then finish what is being answered; `ready` is told the base URL.

    Without an `admission` everybody is let in, within the usual limits. The engine is closed at the end.
    """
    for module in ("fastapi", "prometheus_client", "uvicorn"):
        require(module, extra="serve")
    running = require("tunewright.server.running", extra="serve")
    running.run(specialist, admission or Admission(), on, ready)
