"""The app: handlers that parse, make one call into the library, and show."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tunewright.core.errors import TunewrightError
from tunewright.deploy.admission import Admission
from tunewright.deploy.keys import Key, Scope
from tunewright.deploy.respond import Specialist
from tunewright.server import wire
from tunewright.server.errors import ApiError, no_such_model, of_tunewright, of_validation
from tunewright.server.metrics import Counted, Metrics
from tunewright.server.streaming import ClientGone, Desk, EventStream, unless_gone

CLIENT_CLOSED = 499


def create_app(specialist: Specialist, admission: Admission | None = None) -> FastAPI:
    """An app that answers for one specialist, and closes its engine when it ends."""
    door = admission or Admission()
    metrics = Metrics(lambda: door.under_way)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        specialist.engine.close()

    app = FastAPI(title="tunewright", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Counted, metrics=metrics, most=door.limits.body_bytes)
    _show_errors(app)
    _add_health(app, specialist)
    _add_metrics(app, metrics, door)
    _add_models(app, specialist, door, created=int(time.time()))
    _add_chat(app, Desk(specialist, door, metrics.tokens))
    return app


def _admitted(door: Admission, scope: Scope) -> Callable[[Request], Awaitable[Key | None]]:
    """A dependency: the key that a request came in with, None where nobody needs one."""

    async def admitted(request: Request) -> Key | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        return door.admit(secret.strip() if kind.lower() == "bearer" else None, scope)

    return admitted


def _add_health(app: FastAPI, specialist: Specialist) -> None:
    """Open to whoever watches over the process: no key is asked for."""

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "model": specialist.name, "release": specialist.id}


def _add_metrics(app: FastAPI, figures: Metrics, door: Admission) -> None:
    @app.get("/metrics", dependencies=[Depends(_admitted(door, "metrics"))])
    async def metrics() -> Response:
        return Response(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_models(app: FastAPI, specialist: Specialist, door: Admission, created: int) -> None:
    card = wire.model_card(specialist, created)
    known = [Depends(_admitted(door, "models"))]

    @app.get("/v1/models", dependencies=known)
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [card]}

    @app.get("/v1/models/{name:path}", dependencies=known)
    async def model(name: str) -> dict[str, Any]:
        _check_model(specialist, name)
        return card


def _add_chat(app: FastAPI, desk: Desk) -> None:
    admitted = Depends(_admitted(desk.door, "answer"))

    @app.post("/v1/chat/completions")
    async def chat_completions(
        body: wire.ChatRequest, request: Request, key: Key | None = admitted
    ) -> Response:
        _check_model(desk.specialist, body.model)
        requests = body.requests(desk.specialist)
        for one in requests[:1]:
            desk.door.check(sum(len(message.content) for message in one.messages), body.limit)
        head = _head(desk.specialist)
        if body.stream:
            how = {"with_usage": body.with_usage, "logprobs": bool(body.logprobs)}
            pieces = desk.chunks(requests, head, key, **how)
            first = await unless_gone(request, anext(pieces))
            return EventStream(first, pieces)
        answers = await unless_gone(request, desk.together(requests, key, logprobs=bool(body.logprobs)))
        return JSONResponse(wire.chat_completion(head, answers, with_ids=bool(body.return_token_ids)))

    @app.post("/v1/completions", dependencies=[admitted])
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
        return JSONResponse(error.body(), status_code=error.status, headers=error.headers)

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
