"""What every engine must do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any, cast

from tunewright.core.errors import Unanswerable
from tunewright.core.types import Checkpoint, Completion, Request
from tunewright.runtime.engine import Engine, EnginePlugin, complete, complete_all
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.conformance.plugins import LABELS, is_frozen_dataclass
from tunewright.testing.questions import alike, ask, collect, near

SCHEMA = {
    "type": "object",
    "properties": {"desk": {"enum": list(LABELS)}, "sure": {"type": "boolean"}},
    "required": ["desk", "sure"],
    "additionalProperties": False,
}


class EngineConformance:
    """An engine answers, streams, stops, batches and keeps to what it was asked."""

    def plugin(self) -> EnginePlugin:
        """The plug-in to try."""
        raise NotImplementedError

    def checkpoint(self, folder: Path) -> Checkpoint | None:
        """The checkpoint to open, None for an endpoint; a tiny random model unless overridden."""
        return tiny_checkpoint(folder / "tiny")

    @contextmanager
    def opened(self, folder: Path) -> Iterator[Engine]:
        """The engine, closed afterwards."""
        settings = Settings(cache=folder / "cache", threads=1, offline=True)
        engine = self.plugin().open(self.checkpoint(folder), settings)
        try:
            yield engine
        finally:
            engine.close()

    def test_the_plugin_is_a_frozen_dataclass_whose_fields_have_defaults(self) -> None:
        """Its fields are its options; the bare name in a spec must be enough."""
        assert is_frozen_dataclass(self.plugin())

    def test_the_last_delta_and_no_other_says_why_it_ended(self, tmp_path: Path) -> None:
        """Whoever reads the stream knows when it is whole."""
        with self.opened(tmp_path) as engine:
            deltas = asyncio.run(collect(engine, ask("what is the exchange rate")))
        assert deltas[-1].finish_reason in ("stop", "length")
        assert all(delta.finish_reason is None for delta in deltas[:-1])

    def test_every_token_has_at_most_one_logprob_and_none_is_above_zero(self, tmp_path: Path) -> None:
        """Probabilities are given for all tokens of a delta or for none."""
        with self.opened(tmp_path) as engine:
            deltas = asyncio.run(collect(engine, ask("hello there")))
        for delta in deltas:
            assert len(delta.logprobs) in (0, len(delta.token_ids))
            assert all(logprob <= 0 for logprob in delta.logprobs)

    def test_a_greedy_answer_is_the_same_every_time(self, tmp_path: Path) -> None:
        """Temperature 0 leaves nothing to chance."""
        with self.opened(tmp_path) as engine:
            first, second = (asyncio.run(complete(engine, ask("hello"))) for _ in range(2))
        assert alike(first, second)

    def test_an_answer_has_no_more_tokens_than_asked(self, tmp_path: Path) -> None:
        """`max_tokens` is a limit, and reaching it is called `length`."""
        with self.opened(tmp_path) as engine:
            answer = asyncio.run(complete(engine, ask("one two three four five", max_tokens=2)))
        assert answer.tokens <= 2
        assert answer.finish_reason == "stop" or answer.tokens == 2

    def test_prompt_tokens_are_counted(self, tmp_path: Path) -> None:
        """Cost is reckoned from them."""
        with self.opened(tmp_path) as engine:
            short = asyncio.run(complete(engine, ask("hello")))
            long = asyncio.run(complete(engine, ask("hello " * 20)))
        assert 0 < short.prompt_tokens < long.prompt_tokens

    def test_a_choice_is_answered_letter_for_letter(self, tmp_path: Path) -> None:
        """Constrained decoding leaves nothing else to say."""
        questions = ("i lost my card", "how do i top up", "zzz")
        with self.opened(tmp_path) as engine:
            answers = complete_all(engine, [ask(question, choices=LABELS) for question in questions])
        assert all(answer.text in LABELS for answer in answers)

    def test_an_answer_by_a_schema_is_what_the_schema_describes_or_refused(self, tmp_path: Path) -> None:
        """Whoever asked for JSON can read it, whatever the model would have said, also by chance."""
        asked = [
            ask("i lost my card", json_schema=SCHEMA, max_tokens=200, temperature=t, seed=1) for t in (0, 1)
        ]
        with self.opened(tmp_path) as engine:
            try:
                answers = complete_all(engine, asked)
            except Unanswerable:
                return
        for answer in answers:
            found = json.loads(answer.text)
            assert set(found) == {"desk", "sure"}
            assert found["desk"] in LABELS
            assert isinstance(found["sure"], bool)
            assert answer.finish_reason == "stop"

    def test_a_prompt_of_token_ids_is_gone_on_from_or_refused(self, tmp_path: Path) -> None:
        """Raw prompts go past the template; counted are the tokens that were given."""
        with self.opened(tmp_path) as engine:
            try:
                answer = asyncio.run(complete(engine, Request(prompt=(5, 6, 7, 8), max_tokens=3)))
            except Unanswerable:
                return
        assert answer.prompt_tokens == 4
        assert answer.tokens <= 3

    def test_answers_asked_at_once_equal_answers_asked_alone(self, tmp_path: Path) -> None:
        """Sharing a batch changes nobody's answer, and each gets its own."""
        requests = [ask(text, max_tokens=8) for text in ("a", "what about this longer one", "short one")]
        with self.opened(tmp_path) as engine:
            together = complete_all(engine, requests)
            alone = [asyncio.run(complete(engine, request)) for request in requests]
        assert [answer.text for answer in together] == [answer.text for answer in alone]

    def test_closing_a_stream_cancels_it_and_the_engine_goes_on(self, tmp_path: Path) -> None:
        """A reader who leaves does no harm to the next."""

        async def leave_early(engine: Engine) -> Completion:
            stream = cast("Any", engine.stream(ask("one two three four five six")))
            async with aclosing(stream) as deltas:
                await anext(deltas)
            return await complete(engine, ask("next"))

        with self.opened(tmp_path) as engine:
            after = asyncio.run(leave_early(engine))
        with self.opened(tmp_path) as engine:
            fresh = asyncio.run(complete(engine, ask("next")))
        assert alike(after, fresh)

    def test_nothing_from_a_stop_text_on_is_answered(self, tmp_path: Path) -> None:
        """The answer ends before it."""
        with self.opened(tmp_path) as engine:
            whole = asyncio.run(complete(engine, ask("one two three four", max_tokens=16)))
            middle = whole.text[len(whole.text) // 2 :][:3]
            cut = asyncio.run(complete(engine, ask("one two three four", max_tokens=16, stop=(middle,))))
        assert not middle or cut.text == whole.text[: whole.text.index(middle)]

    def test_a_prompt_gets_a_logprob_for_every_token_but_the_first(self, tmp_path: Path) -> None:
        """Each is the logarithm of a probability, and asking again gives the same."""
        prompts = ([5, 6, 7, 8], [9, 10], [11])
        with self.opened(tmp_path) as engine:
            first, second = (asyncio.run(engine.read(prompts, likeliest=2)) for _ in range(2))
        assert [row.token_ids for row in first] == [tuple(prompt[1:]) for prompt in prompts]
        assert [len(row.logprobs) for row in first] == [len(row.likeliest) for row in first] == [3, 1, 0]
        assert all(logprob <= 0 for row in first for logprob in row.logprobs)
        assert all(near(a.logprobs, b.logprobs) for a, b in zip(first, second, strict=True))
        assert all(
            pairs[0][1] >= own - 1e-6
            for row in first
            for pairs, own in zip(row.likeliest, row.logprobs, strict=True)
        )
