"""What the official client sees when something is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import httpx
import openai
import pytest

from tests.server.conftest import Served, Watched, connected, echoing, served
from tunewright.core.errors import EngineError, ModelError, TooLong, TunewrightError
from tunewright.core.types import Delta, Request

QUESTION = [{"role": "user", "content": "where is my card"}]


class Failing(Watched):
    """An engine that fails after some pieces."""

    def __init__(self, error: Exception, after: int = 0) -> None:
        super().__init__(echoing()[1])
        self.error, self.after = error, after

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        for _ in range(self.after):
            yield Delta(text="so ", token_ids=(1,), prompt_tokens=1)
        raise self.error


def failing(error: Exception, after: int = 0) -> AbstractContextManager[str]:
    return served(replace(echoing()[0], engine=Failing(error, after)))


def test_another_model_is_not_found(desk: Served) -> None:
    client, _ = desk
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=QUESTION)
    assert caught.value.code == "model_not_found"
    assert "`desk` does" in caught.value.message
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("hub/other")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": None}]}, "messages"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"chat_template": "{{ messages }}"}, "chat_template"),
        ({"frequency_penalty": 1}, "frequency_penalty"),
        ({"max_token": 5}, "max_token"),
    ],
)
def test_what_cannot_be_done_is_a_bad_request_that_names_its_parameter(
    desk: Served, body: dict[str, Any], param: str
) -> None:
    client, watched = desk
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", cast_to=object, body={"model": "desk", "messages": QUESTION, **body})
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert not watched.asked


@pytest.mark.parametrize(
    "body",
    [
        {"user": "me"},
        {"logprobs": False},
        {"frequency_penalty": 0.0},
        {"response_format": {"type": "text"}},
        {"tool_choice": "none"},
        {"stream": None},
    ],
)
def test_what_changes_nothing_is_accepted(desk: Served, body: dict[str, Any]) -> None:
    client, watched = desk
    client.post("/chat/completions", cast_to=object, body={"model": "desk", "messages": QUESTION, **body})
    assert len(watched.asked) == 1


def test_broken_json_is_a_bad_request(desk: Served) -> None:
    client, _ = desk
    answer = httpx.post(
        f"{client.base_url}chat/completions",
        content='{"model": ',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_raw_prompts_are_refused_where_no_tokenizer_is_known(desk: Served) -> None:
    client, _ = desk
    with pytest.raises(openai.BadRequestError, match="conversations alone"):
        client.completions.create(model="desk", prompt="Once")


def test_an_unknown_address_has_the_shape_of_all_errors(desk: Served) -> None:
    client, _ = desk
    with pytest.raises(openai.NotFoundError) as caught:
        client.embeddings.create(model="desk", input="x")
    assert caught.value.type == "invalid_request_error"


def test_no_page_asks_for_anything_outside(desk: Served) -> None:
    client, _ = desk
    root = str(client.base_url).removesuffix("/v1/")
    assert {httpx.get(f"{root}{path}").status_code for path in ("/docs", "/redoc")} == {404}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (
            TooLong("4000 tokens do not fit", fix="ask for less"),
            openai.BadRequestError,
            "context_length_exceeded",
        ),
        (ModelError("the template refuses this"), openai.BadRequestError, "invalid_messages"),
        (EngineError("the child died"), openai.InternalServerError, "engine_error"),
        (ZeroDivisionError("secret"), openai.InternalServerError, None),
    ],
)
def test_an_engine_that_cannot_begin_gives_a_status(
    error: Exception, kind: type[openai.APIStatusError], code: str | None, stream: bool
) -> None:
    with failing(error) as url, connected(url) as client:
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model="desk", messages=QUESTION, stream=stream)
        assert caught.value.code == code
        assert "secret" not in caught.value.message


def test_an_engine_that_fails_on_the_way_breaks_the_stream_with_an_error() -> None:
    error: TunewrightError = EngineError("the child died")
    with failing(error, after=2) as url, connected(url) as client:
        heard = []
        with pytest.raises(openai.APIError, match="the child died"):
            for chunk in client.chat.completions.create(model="desk", messages=QUESTION, stream=True):
                heard.append(chunk.choices[0].delta.content)
        assert "".join(text or "" for text in heard) == "so so "
