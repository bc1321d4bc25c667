"""The app: handlers that parse, make one call into the library, and show."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tunewright.core.errors import TunewrightError
from tunewright.deploy.respond import Specialist
from tunewright.server import wire
from tunewright.server.errors import ApiError, no_such_model, of_tunewright, of_validation
from tunewright.server.streaming import ClientGone, EventStream, answer_together, chunks, unless_gone

CLIENT_CLOSED = 499


def create_app(specialist: Specialist) -> FastAPI:
    """An app that answers for one specialist, and closes its engine when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        specialist.engine.close()

    app = FastAPI(title="tunewright", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    _show_errors(app)
    _add_models(app, specialist, created=int(time.time()))
    _add_chat(app, specialist)
    return app


def _add_models(app: FastAPI, specialist: Specialist, created: int) -> None:
    card = wire.model_card(specialist, created)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "model": specialist.name, "release": specialist.id}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [card]}

    @app.get("/v1/models/{name:path}")
    async def model(name: str) -> dict[str, Any]:
        _check_model(specialist, name)
        return card


def _add_chat(app: FastAPI, specialist: Specialist) -> None:
    @app.post("/v1/chat/completions")
    async def chat_completions(body: wire.ChatRequest, request: Request) -> Response:
        _check_model(specialist, body.model)
        requests = body.requests(specialist)
        head = _head(specialist)
        if body.stream:
            pieces = chunks(specialist, requests, head, with_usage=body.with_usage)
            first = await unless_gone(request, anext(pieces))
            return EventStream(first, pieces)
        completions = await unless_gone(request, answer_together(specialist, requests))
        return JSONResponse(wire.chat_completion(head, completions, with_ids=bool(body.return_token_ids)))

    @app.post("/v1/completions")
    async def completions() -> Response:
        raise ApiError(
            404, "raw prompts would go past the frozen template: use /v1/chat/completions", code="not_served"
        )


def _head(specialist: Specialist) -> dict[str, Any]:
    """What all chunks of an answer share."""
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": specialist.name,
        "system_fingerprint": specialist.id,
    }


def _check_model(specialist: Specialist, asked: str) -> None:
    if asked not in (specialist.name, specialist.id):
        raise no_such_model(asked, specialist.name)


def _show_errors(app: FastAPI) -> None:
    def shown(error: ApiError) -> JSONResponse:
        return JSONResponse(error.body(), status_code=error.status)

    @app.exception_handler(ApiError)
    async def api(_request: Request, error: ApiError) -> Response:
        return shown(error)

    @app.exception_handler(TunewrightError)
    async def tunewright(_request: Request, error: TunewrightError) -> Response:
        return shown(of_tunewright(error))

    @app.exception_handler(RequestValidationError)
    async def validation(_request: Request, error: RequestValidationError) -> Response:
        details: Sequence[dict[str, Any]] = jsonable_encoder(error.errors(), exclude={"ctx", "input"})
        return shown(of_validation(list(details)))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return shown(ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}"))

    @app.exception_handler(ClientGone)
    async def gone(_request: Request, _error: ClientGone) -> Response:
        return Response(status_code=CLIENT_CLOSED)

    @app.exception_handler(Exception)
    async def anything(_request: Request, _error: Exception) -> Response:
        return shown(ApiError(500, "the server failed on this request; its log says why"))
