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
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Completion
from tunewright.core.types import Request as Question
from tunewright.deploy.admission import Admission
from tunewright.deploy.keys import Key, Scope
from tunewright.deploy.respond import Specialist
from tunewright.server import wire
from tunewright.server.chat import ChatRequest
from tunewright.server.completions import Before, CompletionRequest, first_token
from tunewright.server.described import EVENTS, FAILURES, TITLE, add_description
from tunewright.server.errors import UNEXPECTED, ApiError, no_such_model, of_tunewright, of_validation
from tunewright.server.metrics import Counted, Metrics
from tunewright.server.streaming import ClientGone, Desk, EventStream, Shape, unless_gone
from tunewright.server.wire import Answered, Asked, Head, Heard

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

    app = FastAPI(lifespan=lifespan, responses=FAILURES, **TITLE)
    app.add_middleware(Counted, metrics=metrics, most=door.limits.body_bytes)
    _show_errors(app)
    _add_health(app, specialist, door)
    _add_metrics(app, metrics, door)
    _add_models(app, specialist, door, created=int(time.time()))
    desk = Desk(specialist, door, metrics.tokens)
    _add_chat(app, desk)
    _add_completions(app, desk)
    add_description(app, [Depends(_admitted(door, "models"))])
    return app


def _admitted(door: Admission, scope: Scope) -> Callable[[Request], Awaitable[Key | None]]:
    """A dependency: the key that a request came in with, None where nobody needs one."""

    async def admitted(request: Request) -> Key | None:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        return door.admit(secret.strip() if kind.lower() == "bearer" else None, scope)

    return admitted


def _add_health(app: FastAPI, specialist: Specialist, door: Admission) -> None:
    """Open to whoever watches over the process: no key is asked for."""
    who = {"model": specialist.name, "release": specialist.id}

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", **who}

    @app.get("/ready")
    async def ready() -> Response:
        """Whether more questions may be sent here; 503 from the moment that the server is asked to end."""
        if door.closing:
            return JSONResponse({"status": "closing", **who}, status_code=503)
        return JSONResponse({"status": "ready", **who})


def _add_metrics(app: FastAPI, figures: Metrics, door: Admission) -> None:
    known = [Depends(_admitted(door, "metrics"))]

    @app.get("/metrics", dependencies=known, response_class=PlainTextResponse)
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

    @app.post("/v1/chat/completions", responses=EVENTS)
    async def chat_completions(body: ChatRequest, request: Request, key: Key | None = admitted) -> Response:
        _check_model(desk.specialist, body.model)
        limit = "max_completion_tokens" if body.max_completion_tokens else "max_tokens"
        desk.door.check(body.characters, body.limit, limit=limit)
        requests = body.requests(desk.specialist)
        shape = body.shape(desk.specialist, _head(desk.specialist, "chatcmpl"))
        return await _told(desk, body, request, (requests, shape, key))


def _add_completions(app: FastAPI, desk: Desk) -> None:
    admitted = Depends(_admitted(desk.door, "answer"))

    @app.post("/v1/completions", responses=EVENTS)
    async def completions(body: CompletionRequest, request: Request, key: Key | None = admitted) -> Response:
        _check_model(desk.specialist, body.model)
        desk.door.check(body.characters, body.limit, where="prompt")
        prompts = body.prompts(desk.specialist)
        if body.limit == 0 and body.stream:
            raise ApiError(400, "`max_tokens`: an answer of no tokens is not streamed", param="max_tokens")
        before = [Before()] * len(prompts)
        if body.echo:
            before = await unless_gone(request, _echoed(desk, body, prompts, key))
        before = [one for one in before for _ in body.seeds]
        shape = body.shape(desk.specialist, _head(desk.specialist, "cmpl"), before)
        requests = body.requests(desk.specialist, prompts)
        if body.limit == 0:
            none = [_nothing(one) for one in requests]
            return JSONResponse(shape.whole(Answered(none, sum(map(len, prompts)), 0)))
        return await _told(desk, body, request, (requests, shape, key))


async def _told(
    desk: Desk, body: Asked, request: Request, asked: tuple[Sequence[Question], Shape, Key | None]
) -> Response:
    """The answers, whole or as a stream, for as long as the client waits."""
    questions, shape, key = asked
    if not body.stream:
        return JSONResponse(shape.whole(await unless_gone(request, desk.together(questions, key))))
    pieces = desk.chunks(questions, shape, key, with_usage=body.with_usage)
    return EventStream(await unless_gone(request, anext(pieces)), pieces)


async def _echoed(
    desk: Desk, body: CompletionRequest, prompts: Sequence[tuple[int, ...]], key: Key | None
) -> list[Before]:
    """The prompts as they are told again, with what the model says of them where that was asked for."""
    chat = desk.specialist.chat
    assert chat is not None  # else there were no prompts
    texts = [
        one if isinstance(one, str) else chat.decode(prompt)
        for one, prompt in zip(body.listed, prompts, strict=True)
    ]
    if body.logprobs is None:
        return [Before(text) for text in texts]
    read = await desk.read(prompts, body.logprobs, key)
    rows = zip(texts, prompts, read, strict=True)
    return [Before(text, (first_token(prompt), after)) for text, prompt, after in rows]


def _nothing(request: Question) -> Heard:
    """The answer of no token."""
    return Heard(Completion(text="", finish_reason="length", prompt_tokens=len(request.prompt)), ())


def _head(specialist: Specialist, kind: str) -> Head:
    return {
        "id": f"{kind}-{uuid.uuid4().hex}",
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
        first: dict[str, Any] = jsonable_encoder(error.errors()[0], exclude={"ctx", "input"})
        return shown(of_validation(first, len(error.errors()) - 1))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return shown(ApiError(error.status_code, f"{request.method} {request.url.path}: {error.detail}"))

    @app.exception_handler(ClientGone)
    async def gone(_request: Request, _error: ClientGone) -> Response:
        return Response(status_code=CLIENT_CLOSED)

    @app.exception_handler(Exception)
    async def anything(_request: Request, _error: Exception) -> Response:
        return shown(UNEXPECTED)
