"""The engine for endpoints against tunewright's own server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.server.conftest import LABELS, echoing, served
from tunewright.core.errors import EngineError
from tunewright.runtime.engine import complete
from tunewright.runtime.engines.openai import OpenAI
from tunewright.runtime.settings import Settings
from tunewright.testing.questions import ask, collect

SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)


@pytest.mark.parametrize("stream", [False, True])
def test_our_own_server_is_an_endpoint_like_any_other(stream: bool) -> None:
    answering, watched = echoing()
    with served(answering) as url:
        engine = OpenAI(url=url, model="desk", stream=stream).open(None, SETTINGS)
        answer = asyncio.run(complete(engine, ask("one two three", max_tokens=2, seed=3, stop=("three",))))
        assert (answer.text.strip(), answer.finish_reason, answer.tokens) == ("one two", "stop", 2)
        assert answer.prompt_tokens > 3 and watched.asked[0].seed == 3
        pieces = asyncio.run(collect(engine, ask("one two three")))
        assert (len(pieces) > 2) == stream
        with pytest.raises(EngineError, match="does not know this model"):
            asyncio.run(complete(OpenAI(url=url, model="other").open(None, SETTINGS), ask("hello")))


def test_a_classifier_of_ours_answers_with_its_labels() -> None:
    answering, _ = echoing(LABELS)
    with served(answering) as url:
        engine = OpenAI(url=url, model="desk").open(None, SETTINGS)
        assert asyncio.run(complete(engine, ask("i lost my card", choices=LABELS))).text == "card lost"
        with pytest.raises(EngineError, match="follows no schema"):
            strict = OpenAI(url=url, model="desk", choices="json_schema").open(None, SETTINGS)
            asyncio.run(complete(strict, ask("i lost my card", choices=LABELS)))
