"""What the gate calls the same, and what it lets through."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.errors import DeployError
from tunewright.core.types import Drop, Parity, Problem
from tunewright.deploy import parity
from tunewright.deploy.parity import Evidence, Greedy, Said, require_parity


def greedy(*ids: int, p: float = 0.9, margin: float = 0.8) -> Greedy:
    return Greedy(ids=ids, probabilities=(p,) * len(ids), margins=(margin,) * len(ids))


def decode(ids: Sequence[int]) -> str:
    return "".join(chr(96 + i) for i in ids)


def compared(adapter: Greedy, packed: Greedy, base: Greedy | None = None, *, exact: bool = True) -> Evidence:
    untouched = base or greedy(*adapter.ids, p=0.1)
    mine, form = Said("adapter", [adapter]), Said("merged", [packed], "a checker", 1e-4 if exact else None)
    return Evidence(
        same=parity.compare(mine, form, ["test-3"], decode),
        effect=parity.compare(Said("base", [untouched]), mine, ["test-3"], decode),
        largest_effect=parity.largest_effect([untouched], [adapter]),
    )


def test_the_first_difference_is_shown_with_both_probabilities() -> None:
    found = compared(greedy(1, 2, 3), greedy(1, 5, 3, p=0.6))
    assert (
        found.same.first_difference == "example `test-3`, token 2: adapter 'b' (0.9000), merged 'e' (0.6000)"
    )
    with pytest.raises(DeployError, match="1 of 1 test prompts with other tokens"):
        require_parity(found)


def test_an_answer_that_ends_early_differs_where_it_ends() -> None:
    found = compared(greedy(1, 2), greedy(1))
    assert found.same.first_difference.endswith("token 2: adapter 'b' (0.9000), merged ends")
    with pytest.raises(DeployError):
        require_parity(found)


def test_a_tie_that_rounding_decides_is_counted_and_let_through() -> None:
    found = compared(greedy(1, 2, margin=1e-6), greedy(1, 3, margin=1e-6))
    assert (found.same.equal, found.same.ties) == (0, 1)
    require_parity(found)


def test_a_tie_in_one_form_only_is_a_difference() -> None:
    with pytest.raises(DeployError):
        require_parity(compared(greedy(1, 2, margin=1e-6), greedy(1, 3, margin=0.5)))


def test_a_form_that_tells_no_probabilities_may_part_at_a_tie_of_the_other() -> None:
    require_parity(compared(greedy(1, 2, margin=1e-6), Greedy(ids=(1, 3))))
    with pytest.raises(DeployError):
        require_parity(compared(greedy(1, 2), Greedy(ids=(1, 3))))
    with pytest.raises(DeployError):
        require_parity(compared(greedy(1, 2, margin=1e-6), Greedy(ids=(1,))))


def test_an_adapter_that_moves_no_probability_has_no_effect() -> None:
    same = greedy(1, 2)
    with pytest.raises(DeployError, match="no effect"):
        require_parity(compared(same, same, base=same))


def test_an_adapter_that_only_shifts_probabilities_has_an_effect() -> None:
    found = compared(greedy(1, 2), greedy(1, 2), base=greedy(1, 2, p=0.5))
    assert found.effect.equal == 1
    assert found.largest_effect == pytest.approx(0.4)
    require_parity(found)


ids = st.lists(st.integers(1, 4), min_size=1, max_size=5)


@given(ids, ids)
def test_answers_are_equal_only_if_every_token_is(a: list[int], b: list[int]) -> None:
    found = compared(greedy(*a), greedy(*b))
    assert (found.same.equal == 1) == (a == b) == (found.same.first_difference == "")


def dropped(value: float, high: float) -> Evidence:
    found = compared(greedy(1, 2, 3), greedy(1, 5, 3), exact=False)
    drop = Drop(metric="exact", value=value, low=value - 0.1, high=high, n=100, tolerance=0.02)
    return found.model_copy(update={"same": found.same.model_copy(update={"drop": drop})})


def test_a_rounded_form_may_say_other_tokens_as_long_as_the_metric_holds() -> None:
    found = dropped(0.01, high=0.015)
    assert found.same.agreement == pytest.approx(1 / 3)
    require_parity(found)
    assert list(parity.doubts(found)) == []


def test_a_loss_beyond_the_tolerance_is_refused_with_its_interval() -> None:
    with pytest.raises(DeployError, match=r"loses 0\.050 of `exact` \(-0\.050 to 0\.090, 100 examples\)"):
        require_parity(dropped(0.05, high=0.09))


def test_a_loss_that_is_not_excluded_is_told() -> None:
    found = dropped(0.01, high=0.06)
    require_parity(found)
    assert "a loss of 0.060 is not excluded" in next(iter(parity.doubts(found)))


def test_a_server_that_says_something_else_is_a_failure() -> None:
    found = compared(greedy(1, 2), greedy(1, 2))
    served = Parity(a="merged", b="served", prompts=4, equal=3, first_difference="here")
    with pytest.raises(DeployError, match="the served form answers 1 of 4 test prompts with other tokens"):
        require_parity(found.model_copy(update={"served": served}))


def test_a_fault_that_is_known_by_name_is_told_first() -> None:
    found = compared(greedy(1, 2), greedy(2, 2))
    fault = Problem(where="model.gguf", what="a missing stop token", fix="pack it again")
    with pytest.raises(DeployError) as caught:
        require_parity(found.model_copy(update={"faults": (fault,)}))
    assert caught.value.problems[0].what == "a missing stop token"
