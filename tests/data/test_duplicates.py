"""One of several is kept by a stated rule, and nothing is removed that says something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.types import Dataset, Example, Message
from tunewright.data.duplicates import clusters_of, deduplicate
from tunewright.data.spec import DataSpec, Deduplicate
from tunewright.runtime.near import similarity

LONG = "where is the new payment card that I ordered two weeks ago from your web site"


def example(place: int, text: str, answer: str = "soon", label: str | None = None) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=answer))
    return Example(id=str(place), messages=turns, label=label, source=f"line {place}")


def kept(examples: list[Example], **spec: object) -> list[str]:
    return [one.id for one in deduplicate(examples, Deduplicate.model_validate(spec)).kept]


def test_each_kind_removes_what_it_says_and_no_more() -> None:
    examples = [
        example(0, LONG),
        example(1, LONG),
        example(2, LONG.upper() + "?"),
        example(3, LONG.replace("payment", "paymnt")),
        example(4, LONG.replace("payment", "library")),
    ]
    assert kept(examples, by="exact") == ["0", "2", "3", "4"]
    assert kept(examples, by="normalised") == ["0", "3", "4"]
    assert kept(examples, by="near", remove=0.85) == ["0", "4"]


def test_the_longest_answer_stays_then_the_first_in_file_order() -> None:
    answer = "It is on its way to you and will be there on Monday at the latest"
    examples = [example(0, LONG, answer), example(1, f"{LONG}!", f"{answer}!!"), example(2, LONG, answer)]
    assert kept(examples, by="near") == ["1"]
    assert kept(examples, by="near", keep="first") == ["0"]
    assert kept(examples, by="exact") == ["0", "1"]


def test_what_is_answered_differently_is_shown_and_never_removed() -> None:
    examples = [example(0, LONG, "a", "a"), example(1, LONG, "b", "b"), example(2, LONG, "a", "a")]
    found = deduplicate(examples, Deduplicate(by="near"))
    assert [one.id for one in found.kept] == ["0", "1"]
    (cluster,) = found.clusters
    assert cluster.contradictory and cluster.removed == 1
    assert [(one.id, one.removed, one.like) for one in cluster.members if one.removed] == [("2", True, "0")]


def test_alike_examples_are_shown_together_though_nothing_is_removed() -> None:
    other = LONG.replace("payment", "library")
    found = deduplicate([example(0, LONG), example(1, "what else"), example(2, other)], Deduplicate())
    (cluster,) = found.clusters
    assert {one.id for one in cluster.members} == {"0", "2"} and found.removed == 0
    assert cluster.members[0].similarity == round(similarity(LONG, other), 4)


WORDS = st.lists(st.sampled_from(["card", "lost", "money", "transfer", "why"]), max_size=4).map(" ".join)
EXAMPLES = st.lists(st.tuples(WORDS, st.sampled_from(["yes", "no", "yes it is"])), max_size=25).map(
    lambda rows: [example(place, *row) for place, row in enumerate(rows)]
)


@settings(max_examples=40, deadline=None)
@given(EXAMPLES, st.sampled_from(["exact", "normalised", "near"]), st.sampled_from(["longest", "first"]))
def test_every_removed_example_is_near_one_that_was_kept(examples: list[Example], by: str, keep: str) -> None:
    found = deduplicate(examples, Deduplicate.model_validate({"by": by, "keep": keep}))
    stay = {one.id: one for one in found.kept}
    gone = [one for cluster in found.clusters for one in cluster.members if one.removed]
    assert len(gone) + len(stay) == len(examples) and found.removed == len(gone)
    assert [one.id for one in found.kept] == [one.id for one in examples if one.id in stay]
    for one in gone:
        assert one.like in stay and one.similarity >= 0.9
        assert len(stay[one.like].answer or "") >= len(one.answer) or keep == "first"
    homes = [one.id for cluster in found.clusters for one in cluster.members]
    assert len(homes) == len(set(homes))


@settings(max_examples=25, deadline=None)
@given(EXAMPLES)
def test_the_more_is_called_the_same_the_fewer_stay(examples: list[Example]) -> None:
    exact, normal, near = (len(kept(examples, by=by)) for by in ("exact", "normalised", "near"))
    assert exact >= normal >= near


def test_the_choice_may_be_a_word_a_switch_or_a_mapping() -> None:
    def chosen(value: object) -> Deduplicate | None:
        return DataSpec.model_validate({"sources": "a.csv", "deduplicate": value}).deduplicate

    assert chosen(False) is None and chosen(True) == Deduplicate(by="exact")
    assert chosen("near") == Deduplicate(by="near") == chosen({"by": "near", "remove": 0.9})


def test_the_record_stands_in_the_folder_of_the_data_set(
    project: Path,
    questions: list[tuple[str, str]],
    csv_of: Callable[[list[tuple[str, str]]], str],
    run_in: Callable[..., Dataset],
) -> None:
    (project / "a.csv").write_text(csv_of([*questions, (f"{questions[0][0]}!", questions[0][1])]))
    dataset = run_in(sources="a.csv", deduplicate="near")
    found = clusters_of(dataset.path)
    assert dataset.duplicates_removed == sum(one.removed for one in found) >= 1
    (removed,) = [one for one in found[0].members if one.source == "a.csv line 182"]
    assert removed.removed and removed.like
    lines = (dataset.path / "duplicates.jsonl").read_text().splitlines()
    assert len(lines) == len(found) and json.loads(lines[0])["members"]
