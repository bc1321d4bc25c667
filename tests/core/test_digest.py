"""Digests: the names of content."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tunewright.core import digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_a_digest_is_sha256() -> None:
    # FIPS 180-2, appendix B.1.
    assert digest.of_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest.of_text("abc") == digest.of_bytes(b"abc")


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert digest.of_value(value) == digest.of_value(dict(reversed(value.items())))


@given(st.lists(JSON, min_size=2, max_size=5))
def test_the_order_of_a_list_does(values: list[object]) -> None:
    if values != values[::-1]:
        assert digest.of_value(values) != digest.of_value(values[::-1])


def test_words_beyond_ascii_have_a_digest() -> None:
    assert digest.of_value({"ä": "ß"}) == digest.of_text('{"ä":"ß"}')


def test_a_file_larger_than_a_block_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 10_000
    (tmp_path / "big").write_bytes(data)
    assert digest.of_file(tmp_path / "big") == digest.of_bytes(data)


def test_a_folder_is_known_by_the_names_and_contents_below_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "deep").mkdir(parents=True)
        (folder / "a").write_text("1")
        (folder / "deep" / "b").write_text("2")
    assert digest.of_folder(one) == digest.of_folder(two)
    (two / "deep" / "b").write_text("3")
    assert digest.of_folder(one) != digest.of_folder(two)
    (two / "deep" / "b").write_text("2")
    (two / "a").rename(two / "c")
    assert digest.of_folder(one) != digest.of_folder(two)
