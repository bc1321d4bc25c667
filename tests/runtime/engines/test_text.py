"""From tokens to text as they come."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tunewright.runtime.engines.text import Writer


def from_bytes(ids: Sequence[int]) -> str:
    return bytes(ids).decode(errors="replace")


def written(data: bytes, stops: Sequence[str] = ()) -> list[str]:
    writer, pieces = Writer(from_bytes, stops), list[str]()
    for byte in data:
        pieces.append(writer.push(byte))
        if writer.stopped:
            break
    return [*pieces, writer.end()]


@given(st.text())
def test_pieces_are_whole_characters_and_together_the_text(text: str) -> None:
    pieces = written(text.encode())
    assert "".join(pieces).rstrip("\ufffd") == text.rstrip("\ufffd")
    if "\ufffd" not in text:
        assert all("\ufffd" not in piece for piece in pieces)


@given(st.text(min_size=1))
def test_a_character_cut_off_at_the_end_is_left_out(text: str) -> None:
    whole = text.replace("\ufffd", "")
    assert "".join(written(whole.encode() + "€".encode()[:2])) == whole


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_the_text_ends_before_the_first_stop_text(text: str, stops: list[str]) -> None:
    # The stop text that is complete first wins; of those complete at once, the one that began first.
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    expected = text[: min(ends)[1]] if ends else text
    assert "".join(written(text.encode(), stops)) == expected


def test_what_might_begin_a_stop_text_is_held_back() -> None:
    writer = Writer(from_bytes, ["END"])
    assert [writer.push(byte) for byte in b"aEN"] == ["a", "", ""]
    assert writer.push(ord("x")) == "ENx"
    assert not writer.stopped
