"""HTML and Markdown become plain text; what only looks like them stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.plain import html, markdown
from tunewright.data.ports import Change

Apply = Callable[..., tuple[list[str], list[Change]]]


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("<p>Hello&nbsp;<b>you</b></p><p>Bye</p>", "Hello you\n\nBye"),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n- two\nafter"),
        ("<style>b {}</style><script>x()</script>seen<br>below", "seen\nbelow"),
        ("<p><![if !lists]>· one<![endif]></p>", "· one"),
        ("fish &amp; chips", "fish & chips"),
        ('see <a href="https://a.b">here</a>', "see here"),
    ],
)
def test_html_is_read_as_a_browser_shows_it(given_text: str, expected: str) -> None:
    assert html.plain(given_text, addresses=False) == expected


@pytest.mark.parametrize("text", ["x < 5 and y > 3", "a List<String> of it", "AT&T", "1 <2", "if a<b: c"])
def test_what_is_no_html_stays(text: str) -> None:
    assert html.plain(text, addresses=False) == text


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("# Title\n\nSome **bold** and `code`.", "Title\n\nSome bold and code."),
        ("- one\n- two\n\nend", "- one\n- two\n\nend"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("```py\nx = 1\n```", "x = 1"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("> quoted", "quoted"),
    ],
)
def test_markdown_keeps_words_lists_code_and_rows(given_text: str, expected: str) -> None:
    assert markdown.plain(given_text, addresses=False) == expected


@pytest.mark.parametrize("text", ["5 * 3 * 2", "a_snake_case name", "one\n  two\n\n\nthree", "C# and F#"])
def test_what_is_no_markdown_stays(text: str) -> None:
    assert markdown.plain(text, addresses=False) == text


def test_addresses_stay_if_wanted(apply: Apply) -> None:
    texts = ['<a href="https://a.b/c">here</a>', "[here](https://a.b/c)"]
    found, changes = apply("markup", texts, links="address")
    assert found == ["here (https://a.b/c)"] * 2
    assert [change.before for change in changes] == texts


def test_roles_that_are_not_named_are_not_touched(apply: Apply) -> None:
    assert not apply("markup", ["plain"], answer="**bold**", roles=["user"])[1]
    assert len(apply("markup", ["plain"], answer="**bold**")[1]) == 1


@settings(deadline=None)
@given(st.text("ab <>&/*_#`[]()|-!\n1.", max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    markdown.plain(html.plain(text, addresses=True), addresses=True)
