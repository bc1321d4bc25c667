"""Errors in OpenAI's shape. Loads no web library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tunewright.core.errors import ModelError, TooLong, TunewrightError, Unanswerable
from tunewright.deploy.admission import Closing, NoKey, NoScope, TooLarge, TooMany

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}

_STATUS: dict[type[TunewrightError], tuple[int, str]] = {
    Unanswerable: (400, "unsupported_parameter"),
    TooLong: (400, "context_length_exceeded"),
    ModelError: (400, "invalid_messages"),
    TooLarge: (400, "limit_exceeded"),
    NoKey: (401, "invalid_api_key"),
    NoScope: (403, "insufficient_permissions"),
    TooMany: (429, "rate_limit_exceeded"),
    Closing: (503, "closing"),
}
"""Status and code of what is no fault of the server, the narrower kinds first."""
_OURS = (500, "engine_error")


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
        said = str(self).encode(errors="replace").decode()
        return {"error": {"message": said, "type": kind, "param": self.param, "code": self.code}}


UNEXPECTED = ApiError(500, "the server failed on this request; its log says why")


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
    status, code = next((told for kind, told in _STATUS.items() if isinstance(error, kind)), _OURS)
    named = error.problems[0].where if isinstance(error, Unanswerable | TooLarge | TooLong) else None
    param = named or ("messages" if isinstance(error, ModelError) else None)
    return ApiError(status, message, param=param, code=code, headers=_headers(error))


def _headers(error: TunewrightError) -> dict[str, str]:
    if isinstance(error, NoKey):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, TooMany | Closing):
        return {"Retry-After": str(max(1, math.ceil(error.seconds)))}
    return {}


def of_validation(first: dict[str, Any], others: int) -> ApiError:
    """The first thing that is wrong with the body, and how many more."""
    place = [str(part) for part in first["loc"] if part != "body"]
    more = f" (and {others} more)" if others else ""
    where = f"`{'.'.join(place)}`: " if place else ""
    return ApiError(400, f"{where}{first['msg']}{more}", param=place[0] if place else None)
