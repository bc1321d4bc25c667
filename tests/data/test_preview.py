"""The preview shows the tokens that training sees."""

from __future__ import annotations

import pytest

from tunewright.core.types import Example, Message
from tunewright.data import preview
from tunewright.runtime.chat import Chat
from tunewright.testing.checkpoint import tiny_model

ASKED = Example(
    id="1", messages=(Message(role="user", content="Where is it?"), Message(role="assistant", content="card"))
)


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Chat:
    return Chat.load(tiny_model(tmp_path_factory.mktemp("model")))


def test_the_answer_and_its_stop_token_are_trained_and_nothing_else(chat: Chat) -> None:
    shown = preview(chat.render(ASKED.messages), chat)
    trained = [token for token in shown.tokens if token.trained]
    assert "".join(token.text for token in trained[:-1]) == "card"
    assert trained[-1].stop and [token.stop for token in shown.tokens].count(True) == 1
    assert 0 < shown.trained_share < 0.5


def test_the_tokens_are_those_that_training_sees(chat: Chat) -> None:
    rendered = chat.render(ASKED.messages)
    shown = preview(rendered, chat)
    assert tuple(token.id for token in shown.tokens) == rendered.ids
    assert tuple(token.trained for token in shown.tokens) == rendered.trained
