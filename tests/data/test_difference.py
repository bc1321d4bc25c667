"""Two data sets compared: what was added, removed, moved, and answered otherwise."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import SPLITS, Dataset, Example, Message, Split
from tunewright.data import difference
from tunewright.data.difference import _shifts
from tunewright.runtime import examples


def example(text: str, label: str, number: int = 0) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=f"{text}-{label}-{number}", messages=turns, label=label, source=f"a.csv line {number}")


def dataset(folder: Path, name: str, **parts: list[Example]) -> Dataset:
    place = folder / name
    place.mkdir()
    for split in SPLITS:
        examples.write(parts.get(split, []), place / f"{split}.parquet")
    counts = {split: len(parts.get(split, [])) for split in SPLITS}
    return Dataset(id=name, path=place, digest=name, counts=counts)


def test_each_kind_of_difference_is_told_once(tmp_path: Path) -> None:
    first = dataset(
        tmp_path,
        "old",
        train=[example("lost card", "card"), example("my loan", "loan"), example("gone soon", "card")],
        test=[example("new pin", "card")],
    )
    second = dataset(
        tmp_path,
        "new",
        train=[example("lost card", "card", 7), example("my loan", "card"), example("new pin", "card")],
        test=[example("quite new", "loan")],
    )
    found = difference(first, second)
    assert [(one.kind, one.question, one.before, one.after) for one in found.shifts] == [
        ("added", "quite new", "", "test"),
        ("removed", "gone soon", "train", ""),
        ("moved", "new pin", "test", "train"),
        ("changed", "my loan", "loan", "card"),
    ]
    assert found.counts == {"train": (3, 3), "validation": (0, 0), "test": (1, 1)}
    assert found.labels == {}


def test_labels_whose_number_changed_are_counted(tmp_path: Path) -> None:
    first = dataset(tmp_path, "old", train=[example("a", "x"), example("b", "x")])
    second = dataset(tmp_path, "new", train=[example("a", "x"), example("c", "y")], test=[example("d", "y")])
    assert difference(first, second).labels == {"x": (2, 1), "y": (0, 2)}


placed = st.lists(
    st.tuples(
        st.sampled_from(SPLITS),
        st.builds(example, st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 3)),
    ),
    max_size=12,
)


@given(placed)
def test_a_data_set_does_not_differ_from_itself_in_another_order(one: list[tuple[Split, Example]]) -> None:
    assert list(_shifts(one, one[::-1])) == []


@given(placed, placed)
def test_added_less_removed_is_the_difference_in_size(
    old: list[tuple[Split, Example]], new: list[tuple[Split, Example]]
) -> None:
    kinds = [shift.kind for shift in _shifts(old, new)]
    assert kinds.count("added") - kinds.count("removed") == len(new) - len(old)


@given(placed, placed)
def test_the_way_back_undoes_the_way_there(
    old: list[tuple[Split, Example]], new: list[tuple[Split, Example]]
) -> None:
    there = [shift.kind for shift in _shifts(old, new)]
    back = [shift.kind for shift in _shifts(new, old)]
    assert there.count("added") == back.count("removed")
    assert there.count("changed") == back.count("changed")
