"""What is known to be wrong with an evaluation before anything is spent."""

from __future__ import annotations

import pytest

from tunewright.evaluate import EvaluateSpec, check


def problems(**fields: object) -> list[tuple[str, bool]]:
    spec = EvaluateSpec.model_validate({"engine": "echo"} | fields)
    return [(problem.where, problem.fatal) for problem in check(spec)]


def test_the_defaults_have_no_problem() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("fields", "where", "fatal"),
    [
        ({"engine": "ecko"}, "evaluate.engine", True),
        ({"scorers": ["acuracy"]}, "evaluate.scorers[0]", True),
        ({"scorers": [{"exact": {"ignore_cas": True}}]}, "evaluate.scorers[0].exact", True),
        ({"candidates": []}, "evaluate.candidates", True),
        ({"candidates": ["zero-shot", "zero-shot"]}, "evaluate.candidates", True),
        ({"candidates": ["tuned"]}, "evaluate.candidates", False),
        ({"shots": []}, "evaluate.shots", True),
        ({"shots": [0]}, "evaluate.shots", True),
        ({"prompts": ["a", " ", "c"]}, "evaluate.prompts[1]", True),
        ({"prompts": ["a"]}, "evaluate.prompts", False),
    ],
)
def test_a_problem_is_found_at_its_place(fields: dict[str, object], where: str, fatal: bool) -> None:
    assert (where, fatal) in problems(**fields)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems(engine="ecko", shots=[0], prompts=[" ", "b", "c"])) == 3
