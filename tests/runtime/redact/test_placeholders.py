"""The same person keeps one placeholder in a conversation, and what is masked stays masked."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.runtime.redact import find, is_word, mask


def masked(*texts: str) -> tuple[str, ...]:
    return mask(texts, [find(text) for text in texts], is_word=is_word).texts


def test_a_person_named_by_first_name_later_stays_the_same_person() -> None:
    first, second, third = masked(
        "My name is Maria Schmidt and I write with Derek Brown.",
        "Hello Maria!",
        "Tell mr. Schmidt and Derek.",
    )
    assert first == "My name is [PERSON_1] and I write with [PERSON_2]."
    assert second == "Hello [PERSON_1]!"
    assert third == "Tell mr. [PERSON_1] and [PERSON_2]."


def test_one_number_in_two_spellings_is_one_placeholder() -> None:
    (text,) = masked("card 4111 1111 1111 1111, I said 4111111111111111, not 5555555555554444")
    assert text == "card [CARD_1], I said [CARD_1], not [CARD_2]"


def test_a_value_is_masked_wherever_it_stands_once_it_was_found() -> None:
    _, second = masked("call me at 555 0199 22", "was it 555 0199 22?")
    assert "0199" not in second


def test_new_placeholders_go_on_after_those_that_stand_there() -> None:
    (text,) = masked("[EMAIL_4] and anna@example.org")
    assert text == "[EMAIL_4] and [EMAIL_5]"


words = st.sampled_from(
    [
        "Maria Schmidt",
        "anna@example.org",
        "4111111111111111",
        "the",
        "card",
        ".",
        "\n",
        "lives at",
        "12 Long Street",
    ]
)


@settings(deadline=None)
@given(st.lists(words, max_size=12).map(" ".join))
def test_what_is_masked_stays_masked(text: str) -> None:
    (once,) = masked(text)
    (twice,) = masked(once)
    placeholders = re.findall(r"\[[A-Z_]+\d\]", once)
    assert [one for one in re.findall(r"\[[A-Z_]+\d\]", twice) if one in placeholders] == placeholders


@settings(deadline=None)
@given(st.lists(words, max_size=12).map(" ".join))
def test_no_sure_value_is_left(text: str) -> None:
    (after,) = masked(text)
    assert not re.search(r"anna@|4111", after)
