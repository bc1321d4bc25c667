"""Laws of the split, and of what is taken out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.types import SPLITS, Example, Message, Split
from tunewright.data import overlap
from tunewright.data.question import question
from tunewright.data.split import Strata, split
from tunewright.runtime.near import near_matches, near_pairs

PARTS = ("card", "lost", "money", "transfer", "late", "pending", "top", "up", "why", "verify", "me", "now")
WORDS = st.lists(st.sampled_from(PARTS), max_size=5)
SHARES: dict[Split, float] = {"test": 0.2, "validation": 0.2}


def example(place: int, text: str, label: str, group: str | None = None, day: int = 0) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    time = dt.datetime(2024, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day)
    return Example(id=str(place), messages=turns, label=label, group=group, time=time)


EXAMPLES = st.lists(
    st.tuples(
        WORDS.map(" ".join),
        st.sampled_from("abc"),
        st.none() | st.sampled_from(["g1", "g2"]),
        st.integers(0, 30),
    ),
    max_size=40,
).map(lambda rows: [example(place, *row) for place, row in enumerate(rows)])
BY = st.sampled_from([(), ("label",), ("time",), ("label", "time")])


def crossing(parts: dict[Split, list[Example]], near: float) -> list[str]:
    """What stands in two splits, alike or by its group."""
    flat = [(name, one) for name, part in parts.items() for one in part]
    pairs = near_pairs([question(one) for _, one in flat], near)
    alike = [flat[pair.a][1].id for pair in pairs if flat[pair.a][0] != flat[pair.b][0]]
    homes = {(one.group, name) for name, one in flat if one.group}
    return [*alike, *(group for group, count in Counter(group for group, _ in homes).items() if count > 1)]


@settings(max_examples=40, deadline=None)
@given(EXAMPLES, st.integers(0, 5), BY)
def test_nothing_alike_and_no_group_is_on_two_sides(examples: list[Example], seed: int, by: Strata) -> None:
    parts = split(examples, SHARES, near=0.7, seed=seed, by=by)
    ids = Counter(one.id for part in parts.values() for one in part)
    assert ids <= Counter(one.id for one in examples)
    assert "time" in by or len(examples) == sum(ids.values())
    assert not crossing(parts, 0.7)


@settings(max_examples=40, deadline=None)
@given(EXAMPLES)
def test_a_split_by_time_never_looks_ahead(examples: list[Example]) -> None:
    parts = split(examples, SHARES, near=0.7, seed=0, by=("time",))
    for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if parts[earlier] and parts[later]:  # type: ignore[index]
            assert max(times(parts[earlier])) < min(times(parts[later]))  # type: ignore[index]


@settings(max_examples=30, deadline=None)
@given(EXAMPLES, st.randoms(use_true_random=False), BY)
def test_the_order_of_lines_says_nothing(examples: list[Example], random: Random, by: Strata) -> None:
    shuffled = list(examples)
    random.shuffle(shuffled)
    first, second = (split(lines, SHARES, near=0.7, seed=1, by=by) for lines in (examples, shuffled))
    assert first == second


def times(examples: list[Example]) -> list[dt.datetime]:
    return [one.time for one in examples if one.time]


@settings(max_examples=40, deadline=None)
@given(EXAMPLES)
def test_what_a_split_by_time_leaves_out_is_like_something_older(examples: list[Example]) -> None:
    parts = split(examples, SHARES, near=0.7, seed=0, by=("time",))
    kept = {one.id for part in parts.values() for one in part}
    older = [one for name in ("train", "validation") for one in parts[name]]  # type: ignore[index]
    left = [one for one in examples if one.id not in kept]
    texts = [question(one) for one in left]
    connected = {pair.a for pair in near_matches(texts, [question(one) for one in examples], 0.7)}
    for place, one in enumerate(left):
        assert one.time and older and min(times(older)) < one.time
        assert one.group or place in connected


@settings(max_examples=25, deadline=None)
@given(EXAMPLES, EXAMPLES, st.sampled_from([0.5, 0.7, 0.9]))
def test_after_removal_no_overlap_remains(train: list[Example], test: list[Example], near: float) -> None:
    found = overlap.find("test", test, train, near)
    counts = found.overlap
    assert counts.exact <= counts.normalised <= counts.near <= counts.examples
    overlap.prove_none("test", test, overlap.without(train, found.trained), near)


def numbered(size: int) -> list[Example]:
    return [example(n, f"{n * 7919 % 100_003:x}{n:o}" * 2, "abc"[n % 3]) for n in range(size)]


def test_every_label_is_cut_by_the_same_shares() -> None:
    parts = split(numbered(300), {"test": 0.2, "validation": 0.1}, near=0.7, seed=0)
    for label in "abc":
        counts = {name: sum(one.label == label for one in parts[name]) for name in SPLITS}
        assert counts == {"test": 20, "validation": 10, "train": 70}


def test_another_seed_gives_another_split() -> None:
    cuts = [split(numbered(60), {"test": 0.3}, near=0.7, seed=seed)["test"] for seed in (0, 1)]
    assert {one.id for one in cuts[0]} != {one.id for one in cuts[1]}


def dated(days: int, label: str = "a") -> list[Example]:
    return [example(n, f"{label}{n * 7919 % 100_003:x}{n:o}" * 2, label, day=n) for n in range(days)]


def test_the_newest_are_the_test_and_those_before_them_validation() -> None:
    parts = split(dated(100), {"test": 0.2, "validation": 0.1}, near=0.7, seed=0, by=("time",))
    assert {name: sorted(int(one.id) for one in part) for name, part in parts.items()} == {
        "train": list(range(70)),
        "validation": list(range(70, 80)),
        "test": list(range(80, 100)),
    }


def test_by_label_and_time_the_newest_of_each_label_are_the_test() -> None:
    old = [one.model_copy(update={"id": f"old{one.id}"}) for one in dated(50, "b")]
    new = [
        one.model_copy(update={"time": one.time + dt.timedelta(days=500)}) for one in dated(50) if one.time
    ]
    parts = split([*old, *new], {"test": 0.2}, near=0.7, seed=0, by=("label", "time"))
    assert Counter(one.label for one in parts["test"]) == {"a": 10, "b": 10}


def test_what_is_new_but_of_an_old_group_is_in_no_split() -> None:
    examples = [one.model_copy(update={"group": f"g{int(one.id) % 95}"}) for one in dated(100)]
    parts = split(examples, {"test": 0.1}, near=0.7, seed=0, by=("time",))
    tested = {int(one.id) for one in parts["test"]}
    assert not tested & {95, 96, 97, 98, 99} and tested == set(range(85, 95))


def test_where_nearly_all_hangs_together_the_rest_is_divided() -> None:
    examples = [one.model_copy(update={"group": "all" if int(one.id) < 90 else None}) for one in dated(100)]
    parts = split(examples, {"test": 0.2, "validation": 0.2}, near=0.7, seed=0)
    assert {name: len(part) for name, part in parts.items()} == {"train": 90, "validation": 5, "test": 5}


def test_cuts_of_each_label_leave_nothing_alike_on_two_sides() -> None:
    early, late = dated(40, "a"), [one.model_copy(update={"id": f"b{one.id}"}) for one in dated(40, "b")]
    late = [example(100 + n, question(one), "b", day=200 + n) for n, one in enumerate(late)]
    copies = [
        example(200 + n, question(one), "b", group, day=150)
        for n, (one, group) in enumerate(zip(early[-8:], [None, "g"] * 4, strict=True))
    ]
    late.append(example(300, "quite another thing", "a", "g", day=39))
    parts = split([*early, *late, *copies], SHARES, near=0.7, seed=0, by=("label", "time"))
    assert {one.label for one in parts["test"]} == {"a", "b"} and not crossing(parts, 0.7)
