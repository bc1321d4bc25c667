"""The echo engine: deterministic, without a model, and a full engine all the same."""

import asyncio
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import Message, Request
from tunewright.runtime import plugins
from tunewright.runtime.engine import complete
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.conformance import EngineConformance
from tunewright.testing.echo import Echo, EchoEngine, words_of
from tunewright.testing.questions import ask


class TestEcho(EngineConformance):
    def plugin(self) -> Echo:
        return Echo()


def answer(request: Request, **options: object) -> str:
    return asyncio.run(complete(EchoEngine(Echo(**options)), request)).text  # type: ignore[arg-type]


def test_the_last_question_is_the_answer() -> None:
    turns = (("user", "one"), ("assistant", "two"), ("user", "three four"))
    request = Request(messages=tuple(Message(role=role, content=text) for role, text in turns))  # type: ignore[arg-type]
    assert answer(request) == "three four"


def test_the_choice_that_shares_most_words_is_the_answer() -> None:
    assert answer(ask("I Lost my card!", choices=("top_up", "card_lost", "lost"))) == "card_lost"


def test_a_given_answer_replaces_the_question() -> None:
    assert answer(ask("why?"), answers={"why?": "because of it"}) == "because of it"
    assert answer(ask("why?", choices=("no", "because")), answers={"why?": "because of it"}) == "because"


def test_a_limit_of_tokens_is_a_limit_of_words() -> None:
    cut = asyncio.run(complete(EchoEngine(Echo()), ask("one two three", max_tokens=2)))
    assert (cut.text, cut.finish_reason) == ("one two", "length")


def test_it_opens_by_name(tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache", threads=1, offline=True)
    engine = plugins.make("engines", "echo").open(tiny_checkpoint(tmp_path / "tiny"), settings)
    assert asyncio.run(complete(engine, ask("hello"))).text == "hello"


@given(st.text())
def test_the_words_of_a_text_joined_are_the_text(text: str) -> None:
    assert "".join(words_of(text)) == text
