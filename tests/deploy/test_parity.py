"""What the gate calls the same, and what it lets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.errors import DeployError
from tunewright.deploy.parity import Answers, Evidence, Greedy, evidence, require_parity


def greedy(*ids: int, p: float = 0.9, margin: float = 0.8) -> Greedy:
    return Greedy(ids=ids, probabilities=(p,) * len(ids), margins=(margin,) * len(ids))


def compared(adapter: Greedy, packed: Greedy, base: Greedy | None = None) -> Evidence:
    untouched = base or greedy(*adapter.ids, p=0.1)
    answers = Answers(base=[untouched], adapter=[adapter], packed=[packed])
    return evidence(answers, "merged", ["test-3"], lambda ids: "".join(chr(96 + i) for i in ids))


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
    assert (found.same.equal, found.ties) == (0, 1)
    require_parity(found)


def test_a_tie_in_one_form_only_is_a_difference() -> None:
    with pytest.raises(DeployError):
        require_parity(compared(greedy(1, 2, margin=1e-6), greedy(1, 3, margin=0.5)))


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
