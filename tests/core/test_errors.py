"""Errors carry what, where and what to do."""

import pickle

import pytest

from tunewright.core.errors import Busy, DataError, SpecError, TunewrightError, WorkspaceError
from tunewright.core.types import Problem


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = DataError("line 3 is not JSON", where="train.jsonl line 3", fix="close the brace")
    assert str(error) == "line 3 is not JSON"
    assert error.problems == (
        Problem(where="train.jsonl line 3", what="line 3 is not JSON", fix="close the brace"),
    )


def test_an_error_carries_every_problem_at_once() -> None:
    problems = (Problem(what="no data"), Problem(what="no objective"))
    error = SpecError(problems=problems)
    assert error.problems == problems
    assert str(error) == "no data; no objective"


@pytest.mark.parametrize("kind", [TunewrightError, SpecError, Busy])
def test_an_error_crosses_a_process_border_whole(kind: type[TunewrightError]) -> None:
    error = kind("broken", where="here", fix="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.problems == error.problems
    assert str(again) == str(error)


def test_who_catches_a_workspace_error_catches_a_busy_one() -> None:
    with pytest.raises(WorkspaceError):
        raise Busy("held")
