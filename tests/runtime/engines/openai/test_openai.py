"""The engine for endpoints, against a small real server that does what it is told."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.runtime.engines.openai.conftest import KEY, Endpoint, running

from tunewright.core.errors import EngineError, SpecError, TooLong
from tunewright.core.types import Completion
from tunewright.runtime import settings as environment
from tunewright.runtime.engine import complete, complete_all, essence
from tunewright.runtime.engines.openai import OpenAI, failures
from tunewright.runtime.engines.openai.engine import OpenAIEngine
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.testing.conformance import LABELS, EngineConformance
from tunewright.testing.questions import ask, collect

SETTINGS = Settings(cache=Path("unused"), threads=1, offline=False)
BUSY = (503, {}, b'{"error": {"message": "overloaded"}}')


def word_of(body: dict[str, Any]) -> str:
    """The label whose words stand in the question, if they were given as a constraint; JSON by a schema."""
    question = str(body["messages"][-1]["content"])
    listed = body.get("guided_choice")
    if "response_format" in body:
        desk = body["response_format"]["json_schema"]["schema"]["properties"]["desk"]
        return json.dumps({"desk": desk["enum"][0], "sure": True})
    return (
        next((one for one in listed if set(one.split()) & set(question.split())), listed[0])
        if listed
        else question
    )


class _Conformance(EngineConformance):
    stream = False

    @pytest.fixture(autouse=True)
    def _serve(self) -> Iterator[None]:
        with running() as self.endpoint:
            self.endpoint.answer = word_of
            yield

    def plugin(self) -> OpenAI:
        if not hasattr(self, "endpoint"):
            return OpenAI()
        return OpenAI(url=self.endpoint.url, model="parrot", stream=self.stream, choices="guided_choice")

    def checkpoint(self, folder: Path) -> None:
        return None

    def test_a_prompt_gets_a_logprob_for_every_token_but_the_first(self, tmp_path: Path) -> None:
        with self.opened(tmp_path) as engine, pytest.raises(EngineError, match="no log-probabilities"):
            asyncio.run(engine.read([[1, 2]]))


class TestWholeAnswers(_Conformance):
    pass


class TestStreamedAnswers(_Conformance):
    stream = True


def asked(options: OpenAI, question: str = "one two three", **request: object) -> Completion:
    engine = options.open(None, SETTINGS)
    return asyncio.run(complete(engine, ask(question, **request)))


def patient(options: OpenAI) -> tuple[OpenAIEngine, list[float]]:
    """An engine that notes how long it would have waited, and does not."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    return OpenAIEngine(options, None, chance=random.Random(0), wait=wait), waited


def test_what_was_asked_for_is_what_is_sent(endpoint: Endpoint) -> None:
    request = {"max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": ("two",)}
    answer = asked(OpenAI(url=endpoint.url, model="parrot", body={"user": "me"}), **request)
    assert answer.text == "one"
    assert endpoint.asked == [
        {
            "model": "parrot",
            "messages": [{"role": "user", "content": "one two three"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 3,
            "stop": ["two"],
            "user": "me",
        }
    ]


def test_a_key_of_the_body_can_be_taken_out_or_replaced(endpoint: Endpoint) -> None:
    asked(OpenAI(url=endpoint.url, model="parrot", body={"temperature": None, "max_completion_tokens": 9}))
    assert endpoint.asked[0].keys() == {"model", "messages", "max_completion_tokens"}


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_of_question_and_answer_are_counted(endpoint: Endpoint, stream: bool) -> None:
    answer = asked(OpenAI(url=endpoint.url, model="parrot", stream=stream), max_tokens=2)
    assert (answer.prompt_tokens, answer.tokens, answer.finish_reason) == (3, 2, "length")
    assert answer.text == "one two"


def test_a_stream_comes_in_pieces(endpoint: Endpoint) -> None:
    engine = OpenAI(url=endpoint.url, model="parrot", stream=True).open(None, SETTINGS)
    deltas = asyncio.run(collect(engine, ask("one two three")))
    assert [delta.text for delta in deltas] == ["one", " two", " three", ""]


def test_a_stream_that_breaks_off_is_no_answer(endpoint: Endpoint) -> None:
    endpoint.cut = True
    with pytest.raises(EngineError, match="broke off"):
        asked(OpenAI(url=endpoint.url, model="parrot", stream=True))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Top Up.", "top up"),
        ("The label is: card lost", "card lost"),
        ("card lost or top up", "card lost or top up"),
        ("none of them", "none of them"),
    ],
)
def test_an_answer_is_read_against_the_list_where_the_endpoint_cannot_be_held_to_it(
    endpoint: Endpoint, said: str, answer: str
) -> None:
    endpoint.answer = lambda body: said
    assert asked(OpenAI(url=endpoint.url, model="parrot"), choices=LABELS).text == answer


def test_a_schema_holds_the_answer_to_the_list(endpoint: Endpoint) -> None:
    endpoint.answer = lambda body: json.dumps({"answer": "top up"})
    assert (
        asked(OpenAI(url=endpoint.url, model="parrot", choices="json_schema"), choices=LABELS).text
        == "top up"
    )
    schema = endpoint.asked[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["answer"]["enum"] == list(LABELS)


def test_a_busy_endpoint_is_asked_again_after_longer_and_longer_pauses(endpoint: Endpoint) -> None:
    endpoint.failures = [BUSY] * 4
    engine, waited = patient(OpenAI(url=endpoint.url, model="parrot"))
    assert asyncio.run(complete(engine, ask("hello"))).text == "hello"
    assert len(waited) == 4
    assert all(
        failures.FIRST * 2**n / 2 <= seconds <= failures.FIRST * 2**n for n, seconds in enumerate(waited)
    )


def test_the_endpoint_says_how_long_to_wait(endpoint: Endpoint) -> None:
    endpoint.failures = [(429, {"Retry-After": "7"}, b"{}")]
    engine, waited = patient(OpenAI(url=endpoint.url, model="parrot"))
    asyncio.run(complete(engine, ask("hello")))
    assert 7 <= waited[0] <= 7 + failures.FIRST


def test_an_endpoint_that_stays_busy_is_given_up(endpoint: Endpoint) -> None:
    endpoint.failures = [BUSY] * 9
    engine, waited = patient(OpenAI(url=endpoint.url, model="parrot", retries=2))
    with pytest.raises(EngineError, match="busy or broken: overloaded"):
        asyncio.run(complete(engine, ask("hello")))
    assert (len(waited), len(endpoint.asked)) == (2, 3)


@pytest.mark.parametrize(
    ("failure", "kind", "what"),
    [
        (
            (429, {}, b'{"error": {"message": "pay", "code": "insufficient_quota"}}'),
            EngineError,
            "no credit: pay",
        ),
        ((429, {"Retry-After": "9999"}, b"{}"), EngineError, "busy"),
        (
            (400, {}, b'{"error": {"message": "top_p is wrong"}}'),
            EngineError,
            "refuses the question: top_p is wrong",
        ),
        ((400, {}, b'{"error": {"message": "m", "code": "context_length_exceeded"}}'), TooLong, "too long"),
        ((418, {}, b"[]"), EngineError, "no reason given"),
    ],
)
def test_what_will_not_go_away_is_not_asked_again(
    endpoint: Endpoint, failure: tuple[int, dict[str, str], bytes], kind: type[EngineError], what: str
) -> None:
    endpoint.failures = [failure]
    with pytest.raises(kind, match=what) as caught:
        asked(OpenAI(url=endpoint.url, model="parrot"))
    assert len(endpoint.asked) == 1
    assert all(problem.where.startswith(endpoint.url) and problem.fix for problem in caught.value.problems)


@pytest.mark.parametrize(
    "raw", [b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": 3}}]}']
)
def test_an_answer_that_cannot_be_read_says_so(endpoint: Endpoint, raw: bytes) -> None:
    endpoint.raw = raw
    for stream in (False, True):
        with pytest.raises(EngineError, match=r"cannot be read|broke off"):
            asked(OpenAI(url=endpoint.url, model="parrot", stream=stream))


def test_an_unknown_model_and_a_wrong_address_say_what_to_look_at(endpoint: Endpoint) -> None:
    with pytest.raises(EngineError, match="does not know this model") as caught:
        asked(OpenAI(url=endpoint.url, model="other"))
    assert "`other`" in caught.value.problems[0].fix
    with pytest.raises(EngineError, match="model or address"):
        asked(OpenAI(url=endpoint.url.removesuffix("/v1"), model="parrot"))


def test_nobody_at_the_address_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        engine, waited = patient(OpenAI(url=url, model="parrot"))
        with pytest.raises(EngineError, match="no connection"):
            asyncio.run(complete(engine, ask("hello")))
    assert not waited


def test_silence_ends_after_the_time_that_was_given(endpoint: Endpoint) -> None:
    endpoint.slow = 0.4
    with pytest.raises(EngineError, match=r"no answer within 0\.05 seconds"):
        asked(OpenAI(url=endpoint.url, model="parrot", timeout=0.05, retries=0))


def test_no_more_questions_are_open_than_allowed(endpoint: Endpoint) -> None:
    endpoint.slow = 0.02
    engine = OpenAI(url=endpoint.url, model="parrot", parallel=3).open(None, SETTINGS)
    answers = complete_all(engine, [ask(str(number)) for number in range(12)])
    assert [answer.text for answer in answers] == [str(number) for number in range(12)]
    assert endpoint.most == 3


def test_the_key_is_read_by_the_name_of_its_variable_and_never_shown(endpoint: Endpoint) -> None:
    endpoint.key = KEY
    for key, right in ((KEY, True), ("sk-wrong", False)):
        engine = OpenAIEngine(OpenAI(url=endpoint.url, model="parrot", key="K"), key, chance=random.Random(0))
        if right:
            assert asyncio.run(complete(engine, ask("hello"))).text == "hello"
            continue
        with pytest.raises(EngineError, match="refuses the key") as caught:
            asyncio.run(complete(engine, ask("hello")))
        assert "sk-wrong" not in str(caught.value.problems)
    assert environment.secret("TEACHER", where="", environ={"TEACHER": f" {KEY}\n"}) == KEY


@pytest.mark.parametrize("name", [KEY, "sk_live_1234", "TEACHER"])
def test_a_key_in_the_place_of_its_name_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        environment.secret(name, where="engine openai.key", environ={})
    assert KEY not in str(caught.value.problems) and "sk_live" not in str(caught.value.problems)


def test_nothing_is_sent_without_an_address_or_against_the_word_offline() -> None:
    for options in (OpenAI(), OpenAI(url="http://x/v1"), OpenAI(url="example.org/v1", model="m")):
        with pytest.raises(EngineError):
            options.open(None, SETTINGS)
    with pytest.raises(EngineError, match="TUNEWRIGHT_OFFLINE"):
        OpenAI(url="https://example.org/v1", model="m").open(
            None, Settings(cache=Path("unused"), threads=1, offline=True)
        )


def test_answers_are_kept_by_what_they_depend_on() -> None:
    options = {"url": "http://x/v1", "model": "m", "key": "K", "timeout": 3, "parallel": 2, "body": {"a": 1}}
    kept = essence(Named(name="openai", options=options))
    assert kept.options == {"url": "http://x/v1", "model": "m", "body": {"a": 1}}
    assert essence(Named(name="transformers", options={"batch": 3})).options == {"batch": 3}


def test_one_question_that_a_filter_refuses_is_answered_with_nothing(endpoint: Endpoint) -> None:
    endpoint.failures = [(400, {}, b'{"error": {"message": "no", "code": "content_filter"}}')]
    engine = OpenAI(url=endpoint.url, model="parrot", parallel=1).open(None, SETTINGS)
    assert sorted(answer.text for answer in complete_all(engine, [ask("a"), ask("b")])) in (
        ["", "a"],
        ["", "b"],
    )
