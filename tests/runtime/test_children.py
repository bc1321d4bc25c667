"""A child process says where it listens, or what is wrong; it ends with whoever holds it."""

from __future__ import annotations

import sys

import pytest

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.runtime import children

SAYS = "import sys; print('noise'); print('{\"url\": \"http://here\"}', flush=True); "


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_first_line_that_is_meant_for_us_is_heard() -> None:
    process, said = children.start(python(SAYS + "sys.stdin.read()"), where="test", held=True)
    assert said == {"url": "http://here"}
    assert process.poll() is None
    children.end(process)
    assert process.poll() is not None


def test_a_held_child_sees_the_end_of_its_parent() -> None:
    process, _ = children.start(python(SAYS + "sys.stdin.read()"), where="test", held=True)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0


def test_what_a_child_cannot_do_is_raised_as_it_says() -> None:
    code = 'print(\'{"problems": [{"where": "x.gguf", "what": "it is broken", "fix": "mend it"}]}\')'
    with pytest.raises(TunewrightError, match="it is broken"):
        children.start(python(code), where="test")


def test_a_child_that_ends_without_a_word_is_told() -> None:
    with pytest.raises(ServeError, match="ended before it answered"):
        children.start(python("pass"), where="test")


def test_a_server_of_a_packed_form_that_is_none_says_so() -> None:
    command = [sys.executable, "-m", "tunewright.server", "--packed", "nowhere.json", "--port", "0"]
    with pytest.raises(TunewrightError, match="no description of a packed form"):
        children.start(command, where="test")
