"""The whole way with a real model: pack, prove, serve, ask with the official client."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest

from tests.deploy.conftest import LABELS, SPEC, Setting, report
from tests.deploy.conftest import setting as setting
from tests.deploy.conftest import tuned as tuned
from tests.server.conftest import connected, served
from tunewright.deploy import run
from tunewright.deploy.answer import answer_file
from tunewright.deploy.respond import open_specialist
from tunewright.runtime.plugins import Named

QUESTION = [{"role": "user", "content": "I have lost my card"}]
EXACT = Named(name="transformers", options={"dtype": "float32"})


def test_adapter_and_release_are_served_with_the_same_answers(setting: Setting, tmp_path: Path) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    heard = []
    for made in (setting.checkpoint, release):
        opened = open_specialist(made, setting.context.settings, engine=EXACT, name="desk")
        with served(opened) as url, connected(url) as client:
            ask = client.chat.completions.create
            label = ask(model="desk", messages=QUESTION)
            free = ask(model="desk", messages=QUESTION, max_tokens=12, extra_body={"constrained": False})
            pieces = ask(
                model="desk",
                messages=QUESTION,
                max_tokens=12,
                extra_body={"constrained": False},
                stream=True,
            )
            streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
            assert label.choices[0].message.content in LABELS
            assert streamed == free.choices[0].message.content
            assert free.usage is not None
            assert free.usage.completion_tokens <= 12
            heard.append((label.choices[0].message.content, streamed, free.usage.prompt_tokens))
    assert heard[0] == heard[1]


def test_a_conversation_that_does_not_fit_is_a_bad_request(setting: Setting) -> None:
    opened = open_specialist(setting.checkpoint, setting.context.settings, engine=EXACT, name="desk")
    with served(opened) as url, connected(url) as client:
        with pytest.raises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="desk", messages=[{"role": "user", "content": "x" * 2000}])
        assert caught.value.code == "context_length_exceeded"
        assert client.chat.completions.create(model="desk", messages=QUESTION).choices


def test_a_file_is_answered_by_the_real_engine(setting: Setting, tmp_path: Path) -> None:
    asked = tmp_path / "in.csv"
    asked.write_text("text\n" + "".join(f"question {number}\n" for number in range(20)))
    opened = open_specialist(setting.checkpoint, setting.context.settings, engine=EXACT)
    try:
        done = answer_file(opened, asked, tmp_path / "out.csv")
    finally:
        opened.engine.close()
    assert {line.rsplit(",", 1)[1] for line in done.path.read_text().splitlines()[1:]} <= set(LABELS)


def test_tokens_are_told_with_their_probabilities_whole_and_in_a_stream(setting: Setting) -> None:
    opened = open_specialist(setting.checkpoint, setting.context.settings, engine=EXACT, name="desk")
    free = {"model": "desk", "messages": QUESTION, "max_tokens": 8, "extra_body": {"constrained": False}}
    with served(opened) as url, connected(url) as client:
        ask = client.chat.completions.create
        whole = ask(**free, logprobs=True, top_logprobs=3)
        pieces = ask(**free, logprobs=True, top_logprobs=3, stream=True)
        streamed = [
            entry
            for piece in pieces
            if piece.choices[0].logprobs
            for entry in piece.choices[0].logprobs.content
        ]
        label = ask(model="desk", messages=QUESTION, logprobs=True)
        plain = ask(**free)
        with pytest.raises(openai.BadRequestError, match="needs `logprobs: true`"):
            ask(**free, top_logprobs=3)
    told = whole.choices[0].logprobs.content
    assert [entry.model_dump() for entry in told] == [entry.model_dump() for entry in streamed]
    assert len(told) == whole.usage.completion_tokens
    for entry in told:
        assert [len(entry.top_logprobs), entry.top_logprobs[0].logprob] == [3, entry.logprob]  # greedy
        assert entry.bytes is None or bytes(entry.bytes).decode() == entry.token
    decided = label.choices[0].logprobs.content
    assert 0 < len(decided) < label.usage.completion_tokens
    assert all(entry.top_logprobs == [] and entry.logprob <= 0 for entry in decided)
    assert plain.choices[0].logprobs is None
