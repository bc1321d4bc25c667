"""What the official client asks for beyond words: JSON, functions, and raw prompts; with real engines."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import AutoModelForCausalLM

from tests.server.conftest import connected, echoing, served
from tunewright.core.types import Checkpoint, Delta, Request
from tunewright.deploy.exports.gguf import carry
from tunewright.deploy.respond import open_specialist
from tunewright.runtime.chat import Chat
from tunewright.runtime.models.local import local_checkpoint
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.server import tools, wire
from tunewright.testing.checkpoint import tiny_model

QUESTION: Any = [{"role": "user", "content": "I have lost my card"}]
SCHEMA = {
    "type": "object",
    "properties": {"desk": {"enum": ["cards", "loans"]}, "urgent": {"type": "boolean"}},
    "required": ["desk", "urgent"],
    "additionalProperties": False,
}
FORMAT: Any = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": SCHEMA, "strict": True}}
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "of a town",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
    },
}
WITH_TOOLS = """\
{%- if tools %}{{- '<|im_start|>system\\n' ~ (tools | tojson) ~ '<|im_end|>\\n' }}{% endif %}
{%- for message in messages %}
{{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>' ~ (call.function | tojson) ~ '</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tiny_model(tmp_path_factory.mktemp("tools") / "tiny")
    (folder / "chat_template.jinja").write_text(WITH_TOOLS)
    return local_checkpoint(folder)


@pytest.fixture(scope="module", params=["transformers", "llamacpp"])
def client(
    request: pytest.FixtureRequest, base: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[openai.OpenAI]:
    """A client of a server that answers with each real engine."""
    made, engine = base, Named(name="transformers", options={"dtype": "float32"})
    if request.param == "llamacpp":
        made = base.model_copy(update={"path": tmp_path_factory.mktemp("gguf")})
        carry(base.path, made.path, "f32")
        engine = Named(name="llamacpp", options={"cache": "f32", "slots": 2})
    opened = open_specialist(made, SETTINGS, engine=engine, name="desk")
    with served(opened) as url, connected(url) as found:
        yield found


@pytest.fixture(scope="module")
def chat(base: Checkpoint) -> Chat:
    return Chat.load(base.path)


def likely(base: Checkpoint, ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities of [token, vocabulary] by transformers itself."""
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32).eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=torch.tensor([list(ids)])).logits[0].log_softmax(-1)
    return found


def test_json_by_a_schema_comes_whole_and_in_a_stream(client: openai.OpenAI) -> None:
    asked: Any = {"model": "desk", "messages": QUESTION, "response_format": FORMAT, "max_tokens": 200}
    whole = client.chat.completions.create(**asked)
    pieces = client.chat.completions.create(**asked, stream=True)
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    told = json.loads(whole.choices[0].message.content or "")
    assert told["desk"] in ("cards", "loans") and isinstance(told["urgent"], bool)
    assert streamed == whole.choices[0].message.content


def test_any_json_object_may_be_asked_for(client: openai.OpenAI) -> None:
    """A random model goes on as long as it may; what it says is the beginning of an object."""
    told = client.chat.completions.create(
        model="desk", messages=QUESTION, response_format={"type": "json_object"}, max_tokens=24
    )
    assert (told.choices[0].message.content or "").startswith("{")


def test_a_schema_that_cannot_be_followed_is_a_bad_request(client: openai.OpenAI) -> None:
    for schema in ({"type": "strin"}, {"$ref": "#/nowhere"}):
        wrong: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        with pytest.raises(openai.BadRequestError, match="cannot be followed") as caught:
            client.chat.completions.create(model="desk", messages=QUESTION, response_format=wrong)
        assert caught.value.param == "response_format"
    with pytest.raises(openai.BadRequestError, match="no `json_schema`"):
        client.chat.completions.create(
            model="desk",
            messages=QUESTION,
            response_format={"type": "json_schema"},  # type: ignore[arg-type]
        )


def test_a_raw_prompt_goes_past_the_template(client: openai.OpenAI, chat: Chat, base: Checkpoint) -> None:
    told = client.completions.create(model="desk", prompt="Once upon", max_tokens=3, logprobs=2)
    ids = chat.encode("Once upon")
    assert told.usage is not None and told.usage.prompt_tokens == len(ids)
    best = int(likely(base, ids)[-1].argmax())
    logprobs = told.choices[0].logprobs
    assert logprobs is not None and logprobs.tokens is not None and logprobs.top_logprobs is not None
    assert logprobs.tokens[0] in (chat.decode([best]), chat.tokenizer.id_to_token(best))
    assert all(len(near) <= 2 for near in logprobs.top_logprobs)
    by_ids = client.completions.create(model="desk", prompt=ids, max_tokens=3)
    assert by_ids.choices[0].text == told.choices[0].text


def test_an_echo_tells_the_probabilities_of_the_prompt(
    client: openai.OpenAI, chat: Chat, base: Checkpoint
) -> None:
    ids = chat.encode("the card is lost")
    told = client.completions.create(model="desk", prompt=[ids, ids[:4]], max_tokens=1, logprobs=1, echo=True)
    wanted = likely(base, ids)
    for choice, length in zip(told.choices, (len(ids), 4), strict=True):
        found = choice.logprobs
        assert found is not None and found.token_logprobs is not None and found.top_logprobs is not None
        own = [float(wanted[place, ids[place + 1]]) for place in range(length - 1)]
        assert found.token_logprobs[0] is None
        assert found.token_logprobs[1:length] == pytest.approx(own, abs=1e-3)
        best = [float(wanted[place].max()) for place in range(length - 1)]
        assert [max(near.values()) for near in found.top_logprobs[1:length]] == pytest.approx(best, abs=1e-3)
        assert choice.text.startswith(chat.decode(ids[:length]))
        assert found.text_offset is not None and found.text_offset[:3] == [0, 1, 2]
    read = client.completions.create(model="desk", prompt=ids, max_tokens=0, logprobs=1, echo=True)
    assert read.choices[0].text == "the card is lost"


def test_a_streamed_completion_is_the_whole_one(client: openai.OpenAI) -> None:
    asked: Any = {"model": "desk", "prompt": "Once upon", "max_tokens": 6, "n": 2, "echo": True}
    whole = client.completions.create(**asked)
    texts = ["", ""]
    for piece in client.completions.create(**asked, stream=True):
        texts[piece.choices[0].index] += piece.choices[0].text
    assert texts == [choice.text for choice in whole.choices]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"prompt": [-1]}, "prompt"),
        ({"prompt": [999_999]}, "prompt"),
        ({"prompt": "x", "suffix": "y"}, "suffix"),
        ({"prompt": "x", "best_of": 3}, "best_of"),
        ({"prompt": "x" * 600}, "prompt"),
    ],
)
def test_a_bad_raw_prompt_is_a_bad_request(client: openai.OpenAI, body: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="desk", **body)
    assert caught.value.param == param


def test_functions_are_shown_to_the_model_and_earlier_calls_too(client: openai.OpenAI, chat: Chat) -> None:
    turns: Any = [
        *QUESTION,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"town": "Ulm"}'},
                }
            ],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "1"},
    ]
    ask = client.chat.completions.create
    shown = ask(model="desk", messages=turns, tools=[WEATHER], max_tokens=2)
    hidden = ask(model="desk", messages=turns, tools=[WEATHER], tool_choice="none", max_tokens=2)
    plain = ask(model="desk", messages=turns, max_tokens=2)
    assert shown.usage and hidden.usage and plain.usage
    assert hidden.usage.prompt_tokens == plain.usage.prompt_tokens < shown.usage.prompt_tokens
    with pytest.raises(openai.BadRequestError, match="left to the model"):
        ask(model="desk", messages=turns, tools=[WEATHER], tool_choice="required")


class Caller:
    """An engine that says what it is told to, a few letters at a time."""

    def __init__(self, answer: str, seed: int) -> None:
        self.answer, self.chance = answer, random.Random(seed)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        left = self.answer
        while left:
            cut = self.chance.randint(1, 9)
            yield Delta(text=left[:cut], token_ids=(len(left),), prompt_tokens=1)
            left = left[cut:]
        yield Delta(finish_reason="stop", prompt_tokens=1)

    def close(self) -> None:
        """Nothing to give back."""


CALL = '{"name": "weather", "arguments": {"town": "Zürich"}}'


@pytest.mark.parametrize(
    ("answer", "words", "calls"),
    [
        (f"<tool_call>\n{CALL}\n</tool_call>", None, 1),
        (f"Let me see. <tool_call>{CALL}</tool_call><tool_call>{CALL}</tool_call>", "Let me see. ", 2),
        (f"[{CALL}, {CALL}]", None, 2),
        ('{"name": "weather", "parameters": {"town": "Zürich"}}', None, 1),
        ('{"name": "rocket", "arguments": {}}', '{"name": "rocket", "arguments": {}}', 0),
        (f"I call: {CALL}", f"I call: {CALL}", 0),
        ("See [1] and <tool", "See [1] and <tool", 0),
        ('{"name": {"a": 1}}', '{"name": {"a": 1}}', 0),
        ("[" * 5000, "[" * 5000, 0),
        ("<tool_call>{broken</tool_call>", "<tool_call>{broken</tool_call>", 0),
        ("It rains in Ulm.", "It rains in Ulm.", 0),
    ],
)
def test_calls_are_told_apart_from_words_whole_and_in_a_stream(
    chat: Chat, answer: str, words: str | None, calls: int
) -> None:
    told = []
    for seed in range(4):
        opened = replace(echoing()[0], engine=Caller(answer, seed), chat=chat)
        with served(opened) as url, connected(url) as client:
            asked: Any = {"model": "desk", "messages": QUESTION, "tools": [WEATHER]}
            told.append(client.chat.completions.create(**asked).choices[0])
            with client.chat.completions.stream(**asked) as events:
                told.append(events.get_final_completion().choices[0])
    for choice in told:
        assert (choice.message.content or None) == words
        called = choice.message.tool_calls or []
        assert [json.loads(call.function.arguments) for call in called] == [{"town": "Zürich"}] * calls
        assert choice.finish_reason == ("tool_calls" if calls else "stop")
        assert len({call.id for call in called}) == calls


def test_a_template_without_tools_refuses_them(tmp_path: Path) -> None:
    made = local_checkpoint(tiny_model(tmp_path / "tiny"))
    opened = open_specialist(made, SETTINGS, name="desk")
    with served(opened) as url, connected(url) as client:
        with pytest.raises(openai.BadRequestError, match="knows of no tools"):
            client.chat.completions.create(model="desk", messages=QUESTION, tools=[WEATHER])
        told = client.chat.completions.create(
            model="desk", messages=QUESTION, tools=[WEATHER], tool_choice="none", max_tokens=2
        )
        assert told.choices


def test_words_are_not_held_back_once_they_cannot_be_a_call() -> None:
    for text, words in (
        ("It rains", 8),
        ("", 0),
        (" ", 0),
        ("<too", 0),
        ("{", 0),
        ("[1", 0),
        ("Well, <tool", 6),
    ):
        assert tools.certain(text, begun=False) == (text[:words], text[words:])
    assert tools.certain("[1]", begun=True) == ("[1]", "")


HALF = "\ud83d"
DEEP: Any = {}
for _ in range(900):
    DEEP = {"items": DEEP}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": HALF}]}),
        ("chat/completions", {"model": HALF}),
        ("chat/completions", {HALF: 1}),
        ("completions", {"prompt": f"x{HALF}"}),
        ("chat/completions", {"tools": [{**WEATHER, "function": {"name": "f", "description": HALF}}]}),
        ("chat/completions", {"response_format": {"type": "json_schema", "json_schema": {"schema": DEEP}}}),
        (
            "chat/completions",
            {"response_format": {"type": "json_schema", "json_schema": {"description": {}}}},
        ),
        ("chat/completions", {"messages": [{"role": "user", "content": "x"}] * 300}),
        ("chat/completions", {"messages": [0] * 20_000}),
        ("completions", {"prompt": [-1] * 20_000}),
        ("completions", {"prompt": ["x"] * 200, "n": 16}),
        ("completions", {"prompt": "x", "max_tokens": 0, "stream": True}),
        ("chat/completions", {"tool_choice": "required"}),
    ],
)
def test_what_is_hostile_is_a_bad_request_at_once(
    client: openai.OpenAI, path: str, body: dict[str, Any]
) -> None:
    begun = time.monotonic()
    whole = {"model": "desk", "max_tokens": 2, **({"messages": QUESTION} if "chat" in path else {}), **body}
    reply = httpx.post(f"{client.base_url}{path}", content=json.dumps(whole), timeout=20)
    assert reply.status_code in (400, 404), reply.text
    assert reply.json()["error"]["message"]
    assert time.monotonic() - begun < 10


def test_what_is_odd_is_answered(client: openai.OpenAI) -> None:
    for odd in (
        {"seed": 2**64},
        {"seed": -(2**70)},
        {"temperature": 1e-308, "seed": 1},
        {"temperature": 1e-4},
    ):
        told = client.chat.completions.create(model="desk", messages=QUESTION, max_tokens=2, **odd)  # type: ignore[call-overload]
        assert told.choices
    earlier: Any = [
        *QUESTION,
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "function": {"name": "weather", "arguments": "[" * 5000}}],
        },
        {"role": "tool", "content": "rain", "tool_call_id": "1"},
    ]
    with pytest.raises(openai.BadRequestError):  # longer than the context, and no more than that
        client.chat.completions.create(model="desk", messages=earlier)
    assert client.completions.create(
        model="desk", prompt="x", max_tokens=1, extra_body={"best_of": 1}
    ).choices


def test_usage_counts_every_prompt_once_and_is_the_same_in_a_stream(client: openai.OpenAI) -> None:
    asked: Any = {"model": "desk", "prompt": ["abc", "abcdef"], "n": 2, "max_tokens": 3}
    whole = client.completions.create(**asked).usage
    pieces = client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    streamed = [piece.usage for piece in pieces if piece.usage][-1]
    assert whole is not None and whole.prompt_tokens == 9
    assert whole == streamed
    talk: Any = {"model": "desk", "messages": QUESTION, "n": 2, "max_tokens": 5}
    spoken = client.chat.completions.create(**talk).usage
    chunks = client.chat.completions.create(**talk, stream=True, stream_options={"include_usage": True})
    assert spoken == [chunk.usage for chunk in chunks if chunk.usage][-1]


def test_a_schema_whose_grammar_grows_without_end_is_no_broken_json(client: openai.OpenAI) -> None:
    schema = {"type": "string", "pattern": "^(([a-z]{1,20}){1,20}){1,20}$"}
    growing: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    try:
        told = client.chat.completions.create(
            model="desk", messages=QUESTION, response_format=growing, max_tokens=200
        )
    except openai.BadRequestError as error:
        assert error.param == "response_format"
    else:
        choice = told.choices[0]
        assert choice.finish_reason == "length" or json.loads(choice.message.content or "")


def test_a_long_list_in_a_schema_does_not_break_the_end_of_an_answer(client: openai.OpenAI) -> None:
    many: Any = {"name": "x", "schema": {"enum": [f"desk {number}" for number in range(4000)]}}
    told = client.chat.completions.create(
        model="desk",
        messages=QUESTION,
        response_format={"type": "json_schema", "json_schema": many},
        max_tokens=64,
    )
    assert json.loads(told.choices[0].message.content or "").startswith("desk ")


@dataclass
class Killed:
    """llama.cpp, whose child is killed once, after the first piece of an answer."""

    engine: Any
    spared: bool = False

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        async for delta in self.engine.stream(request):
            yield delta
            if not self.spared:
                self.spared = True
                os.kill(self.engine.pid, signal.SIGKILL)

    def close(self) -> None:
        self.engine.close()


def test_an_engine_killed_in_the_middle_breaks_that_stream_and_no_later_one(
    base: Checkpoint, tmp_path: Path
) -> None:
    made = base.model_copy(update={"path": tmp_path})
    carry(base.path, made.path, "f32")
    opened = open_specialist(made, SETTINGS, engine=Named(name="llamacpp"), name="desk")
    with served(replace(opened, engine=Killed(opened.engine))) as url, connected(url) as client:
        ask: Any = {"model": "desk", "messages": QUESTION, "max_tokens": 300}
        with pytest.raises(openai.APIError, match="broke in the middle"):
            list(client.chat.completions.create(**ask, stream=True))
        assert client.chat.completions.create(**ask).choices[0].finish_reason in ("stop", "length")


def test_a_token_has_the_space_before_it_whatever_the_tokenizer_writes(chat: Chat) -> None:
    space = "\N{LOWER ONE EIGHTH BLOCK}"
    words = {"<unk>": 0, f"{space}the": 1, f"{space}card": 2, "s": 3, space: 4}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.decoder = decoders.Metaspace()
    sentences = replace(chat, tokenizer=tokenizer)
    assert [wire.token_text(sentences, token) for token in (1, 2, 3, 4)] == [" the", " card", "s", " "]
