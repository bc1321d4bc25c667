"""Closed answers as a trie of tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.errors import EngineError
from tunewright.runtime.engines.choices import depth, forced, trie


def letters(text: str) -> list[int]:
    return [*map(ord, text), 0]


def test_a_single_choice_needs_no_decision() -> None:
    opened = forced(trie(["card"], letters))
    assert (opened.forced, opened.choice) == (tuple(letters("card")), "card")


def test_a_choice_that_begins_another_ends_with_its_stop_token() -> None:
    opened = forced(trie(["card", "card lost"], letters))
    assert opened.forced == tuple(map(ord, "card"))
    assert opened.choice is None
    assert sorted(opened.node.children) == [0, ord(" ")]
    assert opened.node.children[0].choice == "card"


def test_without_a_stop_token_such_choices_are_refused() -> None:
    for choices in (["card", "card lost"], ["card lost", "card"], [""]):
        with pytest.raises(EngineError, match="cannot be told"):
            trie(choices, lambda text: [ord(letter) for letter in text])


@given(st.lists(st.text("ab", max_size=5), min_size=1, max_size=12))
def test_every_choice_and_nothing_else_can_be_reached(choices: list[str]) -> None:
    def leaves(node, path=()):  # type: ignore[no-untyped-def]
        if node.choice is not None:
            yield node.choice, list(path)
        for token, child in node.children.items():
            yield from leaves(child, (*path, token))

    root = trie(choices, letters)
    assert dict(leaves(root)) == {choice: letters(choice) for choice in choices}
    assert depth(root) == 1 + max(map(len, choices))
