"""Errors in OpenAI's shape. Loads no web library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunewright.core.errors import ModelError, TooLong, TunewrightError, Unanswerable
from tunewright.deploy.admission import NoKey, NoScope, TooLarge, TooMany

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON that clients know how to read."""
        kind = _KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


def no_such_model(asked: str, known: str) -> ApiError:
    """The answer to a request for another model."""
    return ApiError(
        404, f"the model `{asked}` does not exist; `{known}` does", param="model", code="model_not_found"
    )


def of_tunewright(error: TunewrightError) -> ApiError:
    """The request's fault where the conversation cannot be asked, else the server's."""
    message = "; ".join(
        f"{problem.what} ({problem.fix})" if problem.fix else problem.what for problem in error.problems
    )
    if isinstance(error, Unanswerable):
        return ApiError(400, message, param=error.problems[0].where, code="unsupported_parameter")
    if isinstance(error, TooLong):
        return ApiError(400, message, param="messages", code="context_length_exceeded")
    if isinstance(error, NoKey):
        return ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, NoScope):
        return ApiError(403, message, code="insufficient_permissions")
    if isinstance(error, TooLarge):
        return ApiError(400, message, param=error.problems[0].where, code="limit_exceeded")
    if isinstance(error, TooMany):
        wait = {"Retry-After": str(max(1, math.ceil(error.seconds)))}
        return ApiError(429, message, code="rate_limit_exceeded", headers=wait)
    if isinstance(error, ModelError):
        return ApiError(400, message, param="messages", code="invalid_messages")
    return ApiError(500, message, code="engine_error")


def of_validation(details: list[dict[str, Any]]) -> ApiError:
    """The first thing that is wrong with the body, and how many more."""
    first = details[0]
    place = [str(part) for part in first["loc"] if part != "body"]
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    where = f"`{'.'.join(place)}`: " if place else ""
    return ApiError(400, f"{where}{first['msg']}{more}", param=place[0] if place else None)
