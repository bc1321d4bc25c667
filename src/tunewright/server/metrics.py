"""Figures of a server, as Prometheus reads them; and the middleware that counts and bounds requests."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tunewright.server.errors import ApiError

SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Upper bounds of the buckets of both times."""
OTHER = "other"
"""Path of whatever no route serves: the words of strangers make no new series."""


class Metrics:
    """The figures of one server."""

    def __init__(self, under_way: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tunewright_requests",
            "Requests by path and status.",
            ("path", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "tunewright_request_seconds",
            "Seconds until the last byte.",
            ("path",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._first = Histogram(
            "tunewright_first_byte_seconds",
            "Seconds until the answer begins.",
            ("path",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._tokens = Counter(
            "tunewright_tokens", "Tokens of questions and of answers.", ("kind",), registry=self._registry
        )
        gauge = Gauge("tunewright_answers_under_way", "Answers that are asked for.", registry=self._registry)
        gauge.set_function(under_way)

    def tokens(self, prompt: int, answer: int) -> None:
        """Count what a request cost."""
        self._tokens.labels("prompt").inc(prompt)
        self._tokens.labels("answer").inc(answer)

    def request(self, path: str, status: int, *, first: float, whole: float) -> None:
        """Count a request that ended; times in seconds."""
        self._requests.labels(path, str(status)).inc()
        self._first.labels(path).observe(first)
        self._seconds.labels(path).observe(whole)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)


class Counted:
    """Middleware: counts every request, and reads no more of one than `most` bytes."""

    def __init__(self, app: ASGIApp, metrics: Metrics, most: int) -> None:
        self._app, self._metrics, self._most = app, metrics, most
        self._refusal = f"the request is larger than {most} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, first, status, read = time.perf_counter(), 0.0, 499, 0

        async def counted(message: Message) -> None:
            nonlocal first, status
            if message["type"] == "http.response.start":
                first, status = time.perf_counter() - begun, message["status"]
            await send(message)

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._most:
                raise HTTPException(413, self._refusal)
            return message

        try:
            if _announced(scope) > self._most:
                error = ApiError(413, self._refusal)
                await JSONResponse(error.body(), status_code=error.status)(scope, receive, counted)
            else:
                await self._app(scope, bounded, counted)
        except Exception:
            status = 500  # the answer is written further out
            raise
        finally:
            route = scope.get("route")
            path = str(getattr(route, "path", OTHER))
            self._metrics.request(path, status, first=first, whole=time.perf_counter() - begun)


def _announced(scope: Scope) -> int:
    """Bytes that a request says it has."""
    said = dict(scope["headers"]).get(b"content-length", b"0")
    return int(said) if said.isdigit() else 0
