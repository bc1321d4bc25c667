"""The stage as a whole: from files to a frozen dataset, or to every problem at once."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.errors import DataError
from tunewright.core.types import SPLITS, Dataset, Event
from tunewright.data import DataSpec, overlap
from tunewright.data.diagnose import unique
from tunewright.data.read import Reading
from tunewright.runtime import examples as on_disk
from tunewright.runtime.examples import NEAR_DUPLICATE

Questions = list[tuple[str, str]]
Run = Callable[..., Dataset]
CsvOf = Callable[[Questions], str]
DATASETS = Path(__file__).parents[3] / "shared" / "datasets"


def ids(dataset: Dataset) -> dict[str, list[str]]:
    return {name: [one.id for one in on_disk.read(dataset, name)] for name in SPLITS}


def test_a_table_becomes_three_frozen_splits(
    project: Path, questions: Questions, csv_of: CsvOf, run_in: Run
) -> None:
    (project / "tickets.csv").write_text(csv_of(questions))
    events: list[Event] = []
    dataset = run_in(sources="tickets.csv", events=events)
    assert dataset.labels == ("account", "card", "transfer")
    assert dataset.counts == {"train": 126, "validation": 27, "test": 27}
    assert dataset.formats["tickets.csv"].startswith("label (text = text, label = category)")
    assert any("label (text = text" in event.message for event in events)
    assert {path.name for path in dataset.path.iterdir()} == {
        *("train.parquet", "validation.parquet", "test.parquet"),
        *("card.md", "changes.json", "diagnosis.html", "diagnosis.json", "duplicates.jsonl", "files.json"),
    }
    assert "| test | 27 |" in (dataset.path / "card.md").read_text()


def test_the_same_lines_in_another_order_give_the_same_splits(
    project: Path, questions: Questions, csv_of: CsvOf, run_in: Run
) -> None:
    (project / "a.csv").write_text(csv_of(questions))
    shuffled = random.Random(1).sample(questions, len(questions))
    (project / "b.csv").write_text(csv_of(shuffled))
    first, second = run_in(sources="a.csv"), run_in(sources="b.csv")
    assert ids(first) == ids(second)
    assert run_in(sources="a.csv").digest == first.digest
    assert ids(run_in(sources="a.csv", seed=1)) != ids(first)


def test_training_examples_that_stand_in_the_test_file_are_removed_or_reported(
    project: Path, questions: Questions, csv_of: CsvOf, run_in: Run
) -> None:
    test = [(f"{text.upper()}!", label) for text, label in questions[:6]] + [
        ("entirely something else", "card")
    ]
    (project / "train.csv").write_text(csv_of(questions))
    (project / "test.csv").write_text(csv_of(test))
    removed = run_in(sources="train.csv", test="test.csv")
    kept = run_in(sources="train.csv", test="test.csv", split={"overlap": "report"})
    for dataset in (removed, kept):
        found = dataset.overlaps[0]
        assert (found.split, found.exact, found.normalised, found.near, found.examples) == (
            "test",
            0,
            6,
            6,
            7,
        )
        assert dataset.counts["test"] == 7
    assert (
        removed.overlaps[0].removed_from_train
        == 180 - removed.counts["train"] - removed.counts["validation"]
        == 6
    )
    assert kept.counts["train"] + kept.counts["validation"] == 180
    tags = [NEAR_DUPLICATE in one.tags for one in on_disk.read(kept, "test")]
    assert (sum(tags), len(tags)) == (6, 7)


def test_translations_have_no_labels(project: Path, questions: Questions, run_in: Run) -> None:
    lines = [f'"{text}","{text[::-1]}"' for text, _ in questions]
    (project / "a.csv").write_text("\n".join(["text,target", *lines]))
    dataset = run_in(sources="a.csv", task="translation")
    assert dataset.labels == () and not dataset.problems
    assert all(one.label is None and one.answer for one in on_disk.read(dataset, "train"))
    assert dataset.counts == {"train": 126, "validation": 27, "test": 27}


def test_groups_of_the_test_file_are_removed_from_training_or_reported(
    project: Path, questions: Questions, run_in: Run
) -> None:
    lines = [f'"{text}",{label},customer {number}' for number, (text, label) in enumerate(questions)]
    (project / "train.csv").write_text("\n".join(["text,label,who", *lines]))
    test = ["something else entirely,card,customer 3", "nobody has said this before,card,customer 999"]
    (project / "test.csv").write_text("\n".join(["text,label,who", *test]))
    spec = {"sources": "train.csv", "test": "test.csv", "columns": {"group": "who"}}
    removed, kept = run_in(**spec), run_in(**spec, split={"overlap": "report"})
    for dataset, counts in ((removed, (0, 1, 1)), (kept, (0, 1, 0))):
        found = dataset.overlaps[0]
        assert (found.near, found.grouped, found.removed_from_train) == counts
    trained = [one for name in ("train", "validation") for one in on_disk.read(removed, name)]
    assert len(trained) == 179 and "customer 3" not in {one.group for one in trained}
    assert [one.tags for one in on_disk.read(kept, "test")] == [(NEAR_DUPLICATE,), ()]


def test_duplicates_are_taken_out_and_contradictions_told(
    project: Path, questions: Questions, csv_of: CsvOf, run_in: Run
) -> None:
    (project / "a.csv").write_text(csv_of([*questions, questions[0], (questions[1][0], "account")]))
    dataset = run_in(sources="a.csv")
    assert dataset.duplicates_removed == 1
    assert any("answered in different ways" in problem.what for problem in dataset.problems)
    assert sum(run_in(sources="a.csv", deduplicate=False).counts.values()) == 182


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no examples"),
        ("text,label\n", "no examples"),
        ("text,label\na,x\nb,y\nc,x\n", "3 examples are too few"),
        (
            "text,label\n" + "".join(f"question {n},same\n" for n in range(20)),
            "every example has the label `same`",
        ),
        ("words,n,m\n" + "a,1,2\n" * 20, "do not look like"),
        ("text,label\n" + "a,x\n" * 9 + "b\n" + ",y\n", "1 value for 2 columns"),
    ],
)
def test_bad_input_stops_the_stage_with_place_and_remedy_and_nothing_written(
    project: Path, run_in: Run, tmp_path: Path, text: str, said: str
) -> None:
    (project / "a.csv").write_text(text)
    with pytest.raises(DataError, match=said) as caught:
        run_in(sources="a.csv")
    assert all(problem.where and problem.fix for problem in caught.value.problems)
    assert not list(tmp_path.glob("made-*/*"))


def test_every_bad_line_of_every_file_is_told_at_once_or_left_out(
    project: Path, questions: Questions, run_in: Run
) -> None:
    lines = [json.dumps({"text": text, "label": label}) for text, label in questions]
    (project / "a.jsonl").write_text(
        "\n".join([*lines[:60], '{"text": ', *lines[60:], '{"text": "no label"}'])
    )
    (project / "b.jsonl").write_text('{"text": "", "label": "x"}\n')
    with pytest.raises(DataError) as caught:
        run_in(sources=["a.jsonl", "b.jsonl"])
    places = [problem.where for problem in caught.value.problems]
    assert places == ["a.jsonl line 61", "a.jsonl line 182", "b.jsonl line 1"]
    dataset = run_in(sources=["a.jsonl", "b.jsonl"], skip_bad_lines=True)
    assert sum(dataset.counts.values()) == 180
    assert [problem.where for problem in dataset.problems] == places
    assert not any(problem.fatal for problem in dataset.problems)


def test_a_source_that_is_not_there_is_a_plain_error(run_in: Run) -> None:
    with pytest.raises(DataError, match="cannot be read") as caught:
        run_in(sources="nowhere.jsonl")
    assert caught.value.problems[0].where == "nowhere.jsonl"


@pytest.mark.skipif(not DATASETS.exists(), reason="needs ../shared/datasets")
def test_banking77_gives_both_figures_of_its_own_test_file() -> None:
    spec = DataSpec(sources=("train.csv",), test=("test.csv",))
    reading = Reading(DATASETS / "banking77", spec, labelled=True)
    train, test = reading.examples(spec.sources), reading.examples(spec.test)
    found = overlap.find("test", test, unique(train), spec.split.near)
    counts = found.overlap
    assert (counts.exact, counts.normalised, counts.near, counts.examples) == (6, 25, 492, 3080)
    assert len(found.trained) == 591


@pytest.mark.skipif(not DATASETS.exists(), reason="needs ../shared/datasets")
def test_a_real_file_that_is_not_utf8_is_refused_with_its_line(project: Path, run_in: Run) -> None:
    (project / "a.json").symlink_to(DATASETS / "snips_slots" / "train_PlayMusic_full.json")
    with pytest.raises(DataError, match="not valid UTF-8") as caught:
        run_in(sources="a.json", task="generation")
    assert caught.value.problems[0].where == "a.json line 9091"
