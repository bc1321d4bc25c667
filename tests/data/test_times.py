"""Times in customary forms are read to UTC; what cannot be read is told with its place."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import Problem
from tunewright.data.times import parsed, times

MORNING = dt.datetime(2024, 5, 31, 9, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("2024-05-31T09:30:00Z", "2024-05-31 09:30", "2024-05-31T11:30:00+02:00", "20240531T093000Z"),
        *("202405310930", "20240531093000"),
        *("31.05.2024 09:30", "31.5.2024 9:30:00", "2024/05/31 09:30", "31 May 2024 09:30"),
        *("May 31, 2024, 09:30", "Fri, 31 May 2024 11:30:00 +0200", "Fri, 31 May 2024 09:30:00 GMT"),
        *("1717147800", "1717147800.0", "1717147800000", "1717147800000000", '"2024-05-31T09:30:00"'),
    ],
)
def test_customary_forms_give_the_same_moment(text: str) -> None:
    assert parsed(text) == MORNING


def test_a_date_alone_is_its_midnight() -> None:
    for text in ("2024-05-31", "31.05.2024", "2024/05/31", "20240531", "31 May 2024", "May 31, 2024"):
        assert parsed(text) == dt.datetime(2024, 5, 31, tzinfo=dt.UTC), text


def test_what_cannot_be_read_is_told_with_its_place_and_without_its_value() -> None:
    told: list[Problem] = []
    texts = ["2024-05-31", "yesterday", "03/04/2024", None]
    found = times(texts, None, [f"a.csv line {n}" for n in range(4)], told.append)
    assert [time is None for time in found] == [False, True, True, True]
    assert [one.where for one in told] == ["a.csv line 1", "a.csv line 2", "a.csv line 3"]
    assert "day or the month" in told[1].what and "%d/%m/%Y" in told[1].fix
    assert not any("yesterday" in one.what + one.fix for one in told)


def test_a_form_of_ones_own_decides_which_stands_first() -> None:
    assert parsed("03/04/2024", "%d/%m/%Y") == dt.datetime(2024, 4, 3, tzinfo=dt.UTC)
    assert parsed("03/04/2024", "%m/%d/%Y") == dt.datetime(2024, 3, 4, tzinfo=dt.UTC)
    assert parsed("2024-05-31", "%d/%m/%Y") is None


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_an_iso_time_is_read_as_it_was_written(moment: dt.datetime) -> None:
    assert parsed(moment.isoformat()) == moment


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    found = parsed(text)
    assert found is None or found.tzinfo is not None
