"""The server's own description, as OpenAPI; pages that show it load things from outside: there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from tunewright import __version__

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}, "text/event-stream": {}}, "description": "The answer"}
}
"""An answer comes whole or as a stream."""


class Told(BaseModel):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """An error in OpenAI's shape."""

    error: Told


FAILURES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "What is wrong with the request"},
    "5XX": {"model": ErrorBody, "description": "What is wrong with the server"},
}


def add_description(app: FastAPI, dependencies: list[Any]) -> None:
    """Serve `/openapi.json` of all routes that are there when it is asked for."""

    @app.get("/openapi.json", dependencies=dependencies, include_in_schema=False)
    async def described() -> dict[str, Any]:
        return app.openapi()

    setattr(app, "openapi", _with_keys(app.openapi))  # noqa: B010 - FastAPI's documented way; mypy forbids it


def _with_keys(described: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    def told() -> dict[str, Any]:
        found = described()
        scheme = {"type": "http", "scheme": "bearer", "description": "Needed once a key was made"}
        found["components"]["securitySchemes"] = {"key": scheme}
        found["security"] = [{}, {"key": []}]
        return found

    return told


TITLE: dict[str, Any] = {
    "title": "tunewright",
    "version": __version__,
    "description": "A specialist behind OpenAI's wire format.",
    "docs_url": None,
    "redoc_url": None,
    "openapi_url": None,
}
