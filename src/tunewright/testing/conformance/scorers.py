"""What every scorer must do."""

from __future__ import annotations

import math

from tunewright.core.types import Completion, Example, Message, Score
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.ports import Scorer
from tunewright.testing.conformance.plugins import LABELS, is_frozen_dataclass


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
