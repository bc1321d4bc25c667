"""What every plug-in must do: one class a port, to be inherited in the test suite of a plug-in.

A subclass whose name begins with `Test` gives the plug-in; pytest finds the rest:

    class TestMyEngine(EngineConformance):
        def plugin(self) -> EnginePlugin:
            return MyEngine()
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any, cast

from tunewright.core.errors import Unanswerable
from tunewright.core.types import Checkpoint, Completion, Example, Message, Request, Score
from tunewright.data.ports import Change, Learner, Transform
from tunewright.runtime import examples as on_disk
from tunewright.runtime.engine import Engine, EnginePlugin, complete, complete_all
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.questions import alike, ask, collect, near

LABELS = ("card lost", "top up", "exchange rate")
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


class ScorerConformance:
    """A scorer rates one answer at a time, always the same, and makes one figure of many."""

    def plugin(self) -> Scorer:
        """The plug-in to try."""
        raise NotImplementedError

    def example(self, label: str) -> Example:
        """An example whose right answer is `label`; override for scorers of other tasks."""
        messages = (Message(role="user", content="?"), Message(role="assistant", content=label))
        return Example(id=label, messages=messages, label=label, references=(label,))

    def scores(self, *answers: str) -> list[Score]:
        """Scores of answers to an example whose right answer is the first of the labels."""
        scorer = self.plugin().for_labels(LABELS)
        return [scorer.score(self.example(LABELS[0]), Completion(text=answer)) for answer in answers]

    def test_the_plugin_is_a_frozen_dataclass_whose_fields_have_defaults(self) -> None:
        """Its fields are its options; the bare name in a spec must be enough."""
        assert is_frozen_dataclass(self.plugin())

    def test_an_answer_scores_the_same_every_time(self) -> None:
        """Answers are kept and scored again."""
        assert self.scores(LABELS[0], LABELS[1], "") == self.scores(LABELS[0], LABELS[1], "")

    def test_every_answer_gets_a_finite_score(self) -> None:
        """Whatever a model says, also nothing."""
        for score in self.scores(*LABELS, "", "something else", "\N{ROCKET}" * 100):
            assert math.isfinite(score.value)

    def test_a_right_answer_is_worth_at_least_as_much_as_none(self) -> None:
        """More is better, or less is, as the scorer says."""
        right, empty = self.scores(LABELS[0], "")
        sign = 1 if self.plugin().higher_is_better else -1
        assert sign * right.value >= sign * empty.value

    def test_the_order_of_answers_does_not_change_the_figure(self) -> None:
        """Examples are a set."""
        scorer = self.plugin().for_labels(LABELS)
        scores = self.scores(*LABELS, "")
        assert math.isclose(scorer.combine(scores), scorer.combine(scores[::-1]), abs_tol=1e-12)

    def test_a_weight_of_two_is_an_example_twice(self) -> None:
        """Intervals are made by resampling, told as weights."""
        scorer = self.plugin().for_labels(LABELS)
        first, second = self.scores(LABELS[0], LABELS[1])
        drawn = require("numpy", extra="train").asarray([2.0, 1.0])
        weighted = scorer.weighted([first, second])(drawn)
        assert math.isclose(weighted, scorer.combine([first, first, second]), abs_tol=1e-12)

    def test_where_the_figure_is_the_mean_it_is_the_mean(self) -> None:
        """Differences of such scorers are tested on the values."""
        scorer = self.plugin().for_labels(LABELS)
        scores = self.scores(*LABELS)
        mean = sum(score.value for score in scores) / len(scores)
        assert not scorer.by_mean or math.isclose(scorer.combine(scores), mean, abs_tol=1e-12)


class TransformConformance:
    """A transform tells every change, keeps the order, and leaves labels and ids alone."""

    def plugin(self) -> Transform:
        """The plug-in to try."""
        raise NotImplementedError

    def texts(self) -> tuple[str, ...]:
        """Questions that the transform may have something to do with; override to give it work."""
        return (
            "Hello",
            "<b>Hello</b> &amp; goodbye",
            "caf\u00c3\u00a9\n\n-- \nAnna",
            "Hola, ¿qué tal?",
            "x" * 300,
        )

    def examples(self) -> list[Example]:
        """Every text asked, once answered by a label and once by itself."""
        return [
            Example(
                id=f"{place}-{label}",
                messages=(
                    Message(role="user", content=text),
                    Message(role="assistant", content=label or text),
                ),
                label=label,
                source=f"line {place} {label}",
            )
            for place, text in enumerate(self.texts())
            for label in (LABELS[0], None)
        ]

    def applied(self) -> tuple[list[Example], list[Change]]:
        """The examples that stay, and the changes."""
        batches = list(on_disk.to_batches(self.examples()))
        one = self.plugin()
        ready = one.prepare(batches) if isinstance(one, Learner) else one
        done = [ready.apply(batch) for batch in batches]
        kept = [example for batch, _ in done for example in on_disk.of_batch(batch)]
        return kept, [change for _, changes in done for change in changes]

    def test_the_plugin_is_a_frozen_dataclass_whose_fields_have_defaults(self) -> None:
        """Its fields are its options; the bare name in a spec must be enough."""
        assert is_frozen_dataclass(self.plugin())

    def test_the_same_examples_give_the_same_result(self) -> None:
        """An artifact is found again by what it was made from."""
        assert self.applied() == self.applied()

    def test_every_example_that_is_gone_or_different_is_told(self) -> None:
        """Nothing is changed silently, and nothing is told that did not happen."""
        kept, changes = self.applied()
        after = {example.source: example for example in kept}
        different = {one.source for one in self.examples() if _said(after.get(one.source)) != _said(one)}
        assert different == {change.source for change in changes}
        dropped = {change.source for change in changes if change.part == "example"}
        assert dropped == {one.source for one in self.examples()} - after.keys()

    def test_order_and_labels_stay(self) -> None:
        """What stays, stays in its place; a label is what is learned."""
        kept, _ = self.applied()
        sources = [example.source for example in self.examples()]
        assert [example.source for example in kept] == [
            one for one in sources if one in {e.source for e in kept}
        ]
        assert all(example.label in (None, example.answer) for example in kept)


def _said(example: Example | None) -> object:
    return example and (example.messages, example.text, example.rejected, example.references)


def is_frozen_dataclass(plugin: object) -> bool:
    """Whether the plug-in is a frozen dataclass that can be made without options."""
    if not is_dataclass(plugin) or isinstance(plugin, type):
        return False
    names = [option.name for option in fields(plugin)]
    try:
        setattr(plugin, names[0] if names else "anything", None)
    except FrozenInstanceError:
        return type(plugin)() is not None
    return False
