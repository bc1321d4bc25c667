"""Which prompts are answered together."""

from hypothesis import given
from hypothesis import strategies as st

from tunewright.runtime.engines.transformers.groups import Limits, common, plan

LIMITS = Limits(rows=16, tokens=512, pairs=1_000_000)
prompts = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=150), max_size=40)


@given(prompts, st.integers(1, 8), st.integers(1, 600))
def test_every_prompt_is_in_one_batch_that_shares_its_beginning_and_keeps_to_the_limits(
    drawn: list[list[int]], rows: int, tokens: int
) -> None:
    batches = plan(drawn, Limits(rows=rows, tokens=tokens, pairs=100_000))
    assert sorted(place for batch in batches for place in batch.members) == list(range(len(drawn)))
    for batch in batches:
        members = [drawn[place] for place in batch.members]
        assert all(member[: batch.shared] == members[0][: batch.shared] for member in members)
        assert all(len(member) > batch.shared for member in members)
        padded = len(members) * (max(map(len, members)) - batch.shared)
        assert len(members) == 1 or (len(members) <= rows and padded <= tokens)


def test_questions_after_one_instruction_share_it() -> None:
    asked = [[*range(100), 200 + place, 7] for place in range(10)]
    assert [batch.shared for batch in plan(asked, LIMITS)] == [100]


def test_two_instructions_make_two_groups_although_they_begin_alike() -> None:
    first = [[1, 2, 3, *range(10, 110), place] for place in range(8)]
    second = [[1, 2, 3, *range(500, 600), place] for place in range(8)]
    batches = plan([*first, *second], LIMITS)
    assert [batch.shared for batch in batches] == [103, 103]


def test_a_few_common_words_do_not_split_a_group() -> None:
    asked = [[*range(100), 200 + place % 3, 300, 301, place] for place in range(12)]
    assert [batch.shared for batch in plan(asked, LIMITS)] == [100]


def test_short_common_beginnings_are_not_worth_a_pass_of_their_own() -> None:
    assert [batch.shared for batch in plan([[1, 2, 3, 4], [1, 2, 3, 5]], LIMITS)] == [0]


def test_each_prompt_keeps_a_token_of_its_own() -> None:
    assert common([1, 2, 3], [1, 2, 3]) == 2
    assert common([1, 2], [1, 2, 3]) == 1
    assert common([1], [1, 2]) == 0
