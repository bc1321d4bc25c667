"""Laws of the split, and of what is taken out."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.types import SPLITS, Example, Message
from tunewright.data import overlap
from tunewright.data.question import question
from tunewright.data.split import split
from tunewright.runtime.near import near_pairs

PARTS = ("card", "lost", "money", "transfer", "late", "pending", "top", "up", "why", "verify", "me", "now")
WORDS = st.lists(st.sampled_from(PARTS), max_size=5)
SHARES = {"test": 0.2, "validation": 0.2}


def example(place: int, text: str, label: str, group: str | None = None) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=str(place), messages=turns, label=label, group=group)


EXAMPLES = st.lists(
    st.tuples(WORDS.map(" ".join), st.sampled_from("abc"), st.none() | st.sampled_from(["g1", "g2"])),
    max_size=40,
).map(lambda rows: [example(place, *row) for place, row in enumerate(rows)])


@settings(max_examples=25, deadline=None)
@given(EXAMPLES, st.integers(0, 5))
def test_a_split_is_a_partition_and_cuts_no_cluster_and_no_group(examples: list[Example], seed: int) -> None:
    parts = split(examples, SHARES, near=0.7, seed=seed)  # type: ignore[arg-type]
    assert Counter(one.id for part in parts.values() for one in part) == Counter(one.id for one in examples)
    home = {one.id: name for name, part in parts.items() for one in part}
    for pair in near_pairs([question(one) for one in examples], 0.7):
        assert home[examples[pair.a].id] == home[examples[pair.b].id]
    groups = {(one.group, home[one.id]) for one in examples if one.group}
    assert len(groups) == len({group for group, _ in groups})


@settings(max_examples=20, deadline=None)
@given(EXAMPLES, st.randoms(use_true_random=False))
def test_the_order_of_lines_says_nothing(examples: list[Example], random: object) -> None:
    shuffled = list(examples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert split(examples, SHARES, near=0.7, seed=1) == split(shuffled, SHARES, near=0.7, seed=1)  # type: ignore[arg-type]


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
