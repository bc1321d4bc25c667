"""The nouns: frozen, closed, equal by value."""

import datetime as dt

import pytest
from pydantic import ValidationError

from tunewright.core.types import CandidateResult, Comparison, Event, Example, Message, Metric, Target

QUESTION = Message(role="user", content="Where is my card?")
ANSWER = Message(role="assistant", content="card_arrival")


def test_the_prompt_of_an_example_is_what_stands_before_its_answer() -> None:
    example = Example(id="1", messages=(QUESTION, ANSWER))
    assert example.prompt == (QUESTION,)
    assert example.answer == "card_arrival"


def test_an_example_without_an_answer_is_all_prompt() -> None:
    example = Example(id="1", messages=(QUESTION,))
    assert example.prompt == (QUESTION,)
    assert example.answer is None
    assert Example(id="2", text="raw").answer is None


def test_a_noun_does_not_change_and_takes_no_unknown_field() -> None:
    example = Example(id="1")
    with pytest.raises(ValidationError, match="frozen"):
        example.id = "2"
    with pytest.raises(ValidationError, match="extra"):
        Example.model_validate({"id": "1", "lable": "card_arrival"})


def test_a_noun_survives_being_written_and_read() -> None:
    example = Example(
        id="1", messages=(QUESTION, ANSWER), label="card_arrival", time=dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    )
    assert Example.model_validate_json(example.model_dump_json()) == example
    assert hash(example) == hash(Example.model_validate_json(example.model_dump_json()))
    event = Event(kind="progress", time=dt.datetime(2026, 1, 2, tzinfo=dt.UTC), data={"done": 1, "total": 2})
    assert Event.model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("bounds", [{}, {"at_least": 0.9, "at_most": 0.1}])
def test_a_target_has_exactly_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="exactly one"):
        Target(metric="accuracy", **bounds)
    assert Target(metric="accuracy", at_least=0.9).at_least == 0.9


def test_a_metric_is_found_by_its_name() -> None:
    accuracy = Metric(name="accuracy", value=0.9, low=0.8, high=0.95, n=100)
    result = CandidateResult(name="tuned", kind="tuned", metrics=(accuracy,))
    assert result.metric("accuracy") == accuracy
    assert result.metric("macro_f1") is None


def test_a_comparison_without_a_difference_needs_no_number_of_examples() -> None:
    comparison = Comparison(
        a="a", b="b", metric="accuracy", difference=0, low=-0.1, high=0.1, p_value=1, test="McNemar"
    )
    assert comparison.needed is None
