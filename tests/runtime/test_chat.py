"""The chat template: the same text and tokens as transformers, and a mask that is exactly the answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tunewright.core.errors import ModelError
from tunewright.core.types import Message
from tunewright.runtime import models
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat
from tunewright.testing.checkpoint import tiny_model

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CONVERSATIONS = [
    ["user: hello"],
    ["system: be brief", "user: hello"],
    ["user: hello", "assistant: hi there"],
    ["system: ", "user: ünï 你好 🎉", "assistant: card_lost"],
    ["user: 12  34\n\n 56", "assistant: one\ntwo\n", "user: and?", "assistant: three"],
    ["user: use the tool", "tool: 42", "assistant: 42"],
]


def turns(*lines: str) -> list[Message]:
    return [
        Message.model_validate(dict(zip(("role", "content"), line.split(": ", 1), strict=True)))
        for line in lines
    ]


@pytest.fixture(scope="session", params=["tiny", "smollm2-135m-instruct"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "tiny":
        return tiny_model(tmp_path_factory.mktemp("tiny"))
    found = models.cached(models.show(request.param), environment.read())
    if found is None:
        pytest.skip(f"`tunewright models fetch {request.param}` first")
    return found.path


@pytest.fixture(scope="session")
def chat(folder: Path) -> Chat:
    return Chat.load(folder)


@pytest.fixture(scope="session")
def theirs(folder: Path) -> PreTrainedTokenizerFast:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("answer_next", [False, True])
@pytest.mark.parametrize("lines", CONVERSATIONS, ids=len)
def test_text_and_tokens_are_those_of_transformers(
    chat: Chat, theirs: PreTrainedTokenizerFast, lines: list[str], answer_next: bool
) -> None:
    messages = turns(*lines)
    plain = [message.model_dump() for message in messages]
    options = {"add_generation_prompt": answer_next}
    assert chat.text(messages, answer_next=answer_next) == theirs.apply_chat_template(
        plain, tokenize=False, **options
    )
    expected = theirs.apply_chat_template(plain, tokenize=True, return_dict=True, **options)["input_ids"]
    found = chat.prompt(messages) if answer_next else list(chat.render(messages).ids)
    assert found == expected


def test_the_tokens_that_end_an_answer_are_those_of_transformers(
    chat: Chat, theirs: PreTrainedTokenizerFast
) -> None:
    assert chat.stop_ids == (theirs.eos_token_id,)


def test_the_mask_covers_the_answer_and_its_stop_token_and_nothing_else(chat: Chat) -> None:
    messages = turns("system: route", "user: i lost my card", "assistant: card_lost")
    rendered = chat.render(messages)
    learned = [i for i, trained in zip(rendered.ids, rendered.trained, strict=True) if trained]
    assert chat.tokenizer.decode(learned, skip_special_tokens=False) == "card_lost<|im_end|>"
    assert learned == chat.answer_ids("card_lost")
    assert rendered.trained[-1] is False, "the newline after the turn is not learned"
    assert rendered.trained[-2] is True
    assert rendered.ids[-2] in chat.stop_ids


def test_every_answer_of_a_conversation_is_learned(chat: Chat) -> None:
    rendered = chat.render(turns("user: a", "assistant: one", "user: b", "assistant: two", "user: c"))
    learned = [i for i, trained in zip(rendered.ids, rendered.trained, strict=True) if trained]
    assert chat.tokenizer.decode(learned, skip_special_tokens=False) == "one<|im_end|>two<|im_end|>"
    assert 0 < rendered.trained_share < 0.5


content = st.text(" \n\tabcdeXYZ0123_-.,!?'<|éß你🎉", max_size=12)
"""Characters that both tokenizers know: the real one has no token for some rare bytes and drops them."""

conversation = st.builds(
    lambda system, pairs: [
        *([Message(role="system", content=system)] if system is not None else []),
        *(
            Message(role=role, content=text)
            for pair in pairs
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ),
    ],
    st.none() | content,
    st.lists(st.tuples(content, content), min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversation)
def test_what_is_asked_is_how_what_is_learned_begins(chat: Chat, messages: list[Message]) -> None:
    rendered = chat.render(messages)
    for place, message in enumerate(messages):
        if message.role == "assistant":
            prompt = chat.prompt(messages[:place])
            assert list(rendered.ids[: len(prompt)]) == prompt
            assert rendered.trained[len(prompt)]
    stops = sum(i in chat.stop_ids and t for i, t in zip(rendered.ids, rendered.trained, strict=True))
    assert stops == sum(message.role == "assistant" for message in messages)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=conversation)
def test_the_tokens_say_what_the_template_wrote(chat: Chat, messages: list[Message]) -> None:
    rendered = chat.render(messages)
    assert chat.tokenizer.decode(list(rendered.ids), skip_special_tokens=False) == chat.text(messages)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=content)
def test_the_tokens_of_an_answer_decode_to_it(chat: Chat, answer: str) -> None:
    ids = chat.answer_ids(answer)
    assert ids[-1] in chat.stop_ids
    assert chat.decode(ids) == answer


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Chat:
    return Chat.load(tiny_model(tmp_path_factory.mktemp("plain")))


def test_a_template_that_refuses_a_role_is_a_model_error(tiny: Chat) -> None:
    refusing = replace(
        tiny, template="{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    )
    with pytest.raises(ModelError, match="no system"):
        refusing.text(turns("system: a", "user: b"))


@pytest.mark.parametrize("template", ["{% if %}", "{{ nothing.there.at.all }}", "{{ ''.__class__.__mro__ }}"])
def test_a_template_that_cannot_run_is_a_model_error(tiny: Chat, template: str) -> None:
    with pytest.raises(ModelError, match="template"):
        replace(tiny, template=template).text(turns("user: a"))


def test_a_template_that_rewrites_earlier_turns_can_answer_but_not_be_learned_from(tiny: Chat) -> None:
    rewriting = replace(tiny, template="{% for m in messages[-2:] %}{{ m.role ~ m.content }}{% endfor %}")
    messages = turns("user: a", "assistant: b", "user: c", "assistant: d")
    assert rewriting.decode(rewriting.prompt(messages[:3])) == "assistantbuserc"
    with pytest.raises(ModelError, match="rewrites earlier turns"):
        rewriting.render(messages)


def test_a_conversation_that_begins_with_an_answer_is_refused(tiny: Chat) -> None:
    with pytest.raises(ModelError, match="nothing was asked"):
        tiny.render(turns("assistant: hello"))


def test_a_template_without_a_stop_token_is_learned_with_one(tiny: Chat) -> None:
    bare = replace(tiny, template="{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
                   "{% if add_generation_prompt %}[assistant]{% endif %}")  # fmt: skip
    ids = bare.answer_ids("yes")
    assert bare.decode(ids) == "yes"
    assert ids[-1] in bare.stop_ids


def test_tools_are_none_for_a_template_that_asks(tiny: Chat) -> None:
    asking = replace(tiny, template="{% if tools is not none %}tools!{% endif %}done")
    assert asking.text(turns("user: a")) == "done"


def test_a_folder_without_a_template_is_a_model_error(tmp_path: Path) -> None:
    (tiny_model(tmp_path) / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        Chat.load(tmp_path)
