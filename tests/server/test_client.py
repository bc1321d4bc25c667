"""The official `openai` client against the server, unchanged."""

from __future__ import annotations

import httpx
import pytest

from tests.server.conftest import LABELS, Served

QUESTION = [{"role": "user", "content": "where is my card"}]


def test_a_question_is_answered_with_usage_and_reason(desk: Served) -> None:
    client, _ = desk
    answer = client.chat.completions.create(model="desk", messages=QUESTION)
    assert answer.choices[0].message.content == "where is my card"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4
    assert answer.usage.prompt_tokens == 2 + 4, "the frozen instruction is counted"
    assert answer.usage.total_tokens == 10
    assert answer.model == "desk"


def test_the_frozen_instruction_goes_before_a_conversation_that_has_none(desk: Served) -> None:
    client, watched = desk
    client.chat.completions.create(model="desk", messages=QUESTION)
    assert [(m.role, m.content) for m in watched.asked[0].messages] == [
        ("system", "Be brief."),
        ("user", "where is my card"),
    ]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_request_that_brings_its_own_system_turn_keeps_it(desk: Served, role: str) -> None:
    client, watched = desk
    client.chat.completions.create(model="desk", messages=[{"role": role, "content": "Shout."}, *QUESTION])
    assert watched.asked[0].messages[0].content == "Shout."
    assert len(watched.asked[0].messages) == 2


def test_a_streamed_answer_is_the_whole_answer_in_pieces(desk: Served) -> None:
    client, _ = desk
    chunks = list(client.chat.completions.create(model="desk", messages=QUESTION, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "where is my card"
    assert sum(bool(c.choices[0].delta.content) for c in chunks) == 4
    assert [c.choices[0].finish_reason for c in chunks if c.choices[0].finish_reason] == ["stop"]
    assert len({c.id for c in chunks}) == 1
    assert all(c.object == "chat.completion.chunk" for c in chunks)


def test_a_stream_ends_with_the_usage_where_it_was_asked_for(desk: Served) -> None:
    client, _ = desk
    *_, last = client.chat.completions.create(
        model="desk", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    assert last.choices == []
    assert last.usage is not None
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (6, 4)


def test_a_stream_is_server_sent_events_that_end_with_done(desk: Served) -> None:
    client, _ = desk
    body = {"model": "desk", "messages": QUESTION, "stream": True}
    answer = httpx.post(f"{client.base_url}chat/completions", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    assert all(event.startswith("data: {") for event in events[:-2])


def test_several_answers_come_as_several_choices_with_seeds_of_their_own(desk: Served) -> None:
    client, watched = desk
    answer = client.chat.completions.create(model="desk", messages=QUESTION, n=3, seed=7, temperature=1)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert [request.seed for request in watched.asked] == [7, 8, 9]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 12)


def test_several_streamed_answers_are_told_apart_by_their_index(desk: Served) -> None:
    client, _ = desk
    texts = ["", ""]
    for chunk in client.chat.completions.create(model="desk", messages=QUESTION, n=2, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == ["where is my card"] * 2


def test_sampling_reaches_the_engine(desk: Served) -> None:
    client, watched = desk
    client.chat.completions.create(
        model="desk",
        messages=QUESTION,
        max_completion_tokens=9,
        temperature=0.5,
        top_p=0.9,
        stop=["x", "y"],
        seed=3,
    )
    request = watched.asked[0]
    assert (request.max_tokens, request.temperature, request.top_p) == (9, 0.5, 0.9)
    assert (request.stop, request.seed) == (("x", "y"), 3)


def test_an_answer_is_greedy_unless_a_temperature_is_given(desk: Served) -> None:
    client, watched = desk
    client.chat.completions.create(model="desk", messages=QUESTION)
    assert watched.asked[0].temperature == 0


def test_an_answer_that_is_cut_says_so(desk: Served) -> None:
    client, _ = desk
    answer = client.chat.completions.create(model="desk", messages=QUESTION, max_tokens=2)
    assert answer.choices[0].message.content == "where is"
    assert answer.choices[0].finish_reason == "length"


def test_content_may_come_in_text_parts(desk: Served) -> None:
    client, _ = desk
    parts = [{"type": "text", "text": "where "}, {"type": "text", "text": "now"}]
    answer = client.chat.completions.create(model="desk", messages=[{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "where now"


def test_a_classifier_answers_with_one_of_its_labels(router: Served) -> None:
    client, watched = router
    answer = client.chat.completions.create(model="desk", messages=QUESTION)
    assert answer.choices[0].message.content == "card lost"
    assert watched.asked[0].choices == LABELS


def test_a_request_can_opt_out_of_the_labels(router: Served) -> None:
    client, watched = router
    answer = client.chat.completions.create(
        model="desk", messages=QUESTION, extra_body={"constrained": False}
    )
    assert answer.choices[0].message.content == "where is my card"
    assert watched.asked[0].choices == ()


def test_the_models_are_listed_and_found(desk: Served) -> None:
    client, _ = desk
    assert [model.id for model in client.models.list()] == ["desk"]
    assert client.models.retrieve("desk").owned_by == "tunewright"


def test_the_artifact_id_is_a_name_too(desk: Served) -> None:
    client, _ = desk
    assert client.chat.completions.create(model="checkpoint-1", messages=QUESTION).model == "desk"


def test_the_server_says_that_it_is_well(desk: Served) -> None:
    client, _ = desk
    health = httpx.get(str(client.base_url).replace("/v1/", "/health")).json()
    assert health == {"status": "ok", "model": "desk", "release": "checkpoint-1"}
