"""Examples survive the disk unchanged."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.errors import DataError
from tunewright.core.types import Dataset, Example, Message
from tunewright.runtime import examples as on_disk

TEXT = st.text(max_size=20)
MESSAGES = st.lists(
    st.builds(Message, role=st.sampled_from(["system", "user", "assistant", "tool"]), content=TEXT),
    max_size=4,
)
EXAMPLES = st.builds(
    Example,
    id=TEXT,
    messages=MESSAGES.map(tuple),
    text=st.none() | TEXT,
    rejected=st.none() | TEXT,
    references=st.lists(TEXT, max_size=3).map(tuple),
    desirable=st.none() | st.booleans(),
    label=st.none() | TEXT,
    group=st.none() | TEXT,
    time=st.none()
    | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
    weight=st.floats(allow_nan=False),
    tags=st.lists(TEXT, max_size=3).map(tuple),
    source=TEXT,
)


@settings(max_examples=50, deadline=None)
@given(st.lists(EXAMPLES, max_size=8))
def test_what_is_read_is_what_was_written(examples: list[Example]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.parquet"
        on_disk.write(examples, path)
        assert on_disk.read_file(path) == examples


def test_order_is_kept_across_batches(tmp_path: Path) -> None:
    examples = [Example(id=str(i)) for i in range(10_000)]
    on_disk.write(iter(examples), tmp_path / "test.parquet")
    dataset = Dataset(id="data-1", path=tmp_path, digest="", counts={"test": 10_000})
    assert on_disk.read(dataset, "test") == examples


def test_the_schema_has_every_field_of_an_example() -> None:
    assert on_disk.schema().names == list(Example.model_fields)


@pytest.mark.parametrize("content", [None, b"", b"no parquet at all"])
def test_a_missing_or_broken_file_is_said_with_its_place(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "train.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        on_disk.read_file(path)
    assert caught.value.problems[0].where == str(path)
