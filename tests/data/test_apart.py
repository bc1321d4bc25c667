"""What may never be evaluated is trained on, and what is evaluated never trained on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.errors import DataError
from tunewright.core.types import SPLITS, Dataset, Example, Message
from tunewright.data import DataSpec, apart
from tunewright.runtime import examples as on_disk
from tunewright.runtime.examples import SYNTHETIC

Questions = list[tuple[str, str]]
Run = Callable[..., Dataset]


def example(place: int, text: str, **more: object) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content="yes"))
    return Example.model_validate({"id": str(place), "messages": turns, "source": f"a line {place}", **more})


def texts(count: int) -> list[str]:
    return [f"{n * 7919 % 100_003:x} {n:o} {n * 31:b}" for n in range(count)]


def test_undesirable_and_synthetic_examples_are_trained_on_and_never_evaluated() -> None:
    train = [
        example(n, text, desirable=n % 3 != 0, tags=(SYNTHETIC,) if n % 5 == 0 else ())
        for n, text in enumerate(texts(100))
    ]
    for by in ("label", []):
        spec = DataSpec.model_validate({"sources": "a.csv", "split": {"by": by}})
        parts, told = apart.cut({"train": train, "validation": [], "test": []}, spec, seed=0)
        assert not told and sum(map(len, parts.values())) == 100
        assert parts["test"] and all(map(apart.evaluable, [*parts["test"], *parts["validation"]]))
        assert sum(not apart.evaluable(one) for one in parts["train"]) == 47


def test_a_synthetic_example_like_a_test_example_is_left_out_and_told() -> None:
    real = [example(n, text) for n, text in enumerate(texts(60))]
    copies = [example(100 + n, f"{text}!", tags=(SYNTHETIC,)) for n, text in enumerate(texts(60))]
    spec = DataSpec.model_validate({"sources": "a.csv"})
    parts, told = apart.cut({"train": [*real, *copies], "validation": [], "test": []}, spec, seed=0)
    apart.prove(parts, spec)
    evaluated = len(parts["test"]) + len(parts["validation"])
    assert evaluated == 18 and len(parts["train"]) == 120 - 2 * evaluated
    assert "18 undesirable or synthetic examples" in told[0].what


def test_own_evaluation_files_lose_their_undesirable_examples(project: Path, run_in: Run) -> None:
    lines = [
        json.dumps({"prompt": text, "completion": "yes", "desirable": n % 2 == 0})
        for n, text in enumerate(texts(90))
    ]
    (project / "train.jsonl").write_text("\n".join(lines[:60]))
    (project / "test.jsonl").write_text("\n".join(lines[60:]))
    dataset = run_in(sources="train.jsonl", test="test.jsonl", task="generation")
    assert dataset.counts["test"] == 15
    assert any("15 examples are marked undesirable" in problem.what for problem in dataset.problems)
    assert all(one.desirable for one in on_disk.read(dataset, "validation"))


def test_training_never_contains_an_evaluation_set_given_as_a_file(
    project: Path, questions: Questions, csv_of: Callable[[Questions], str], run_in: Run
) -> None:
    (project / "train.csv").write_text(csv_of(questions))
    held = [json.dumps({"question": f"{text.upper()}?", "answer": "x"}) for text, _ in questions[:7]]
    (project / "held.jsonl").write_text("\n".join([*held, '{"question": "another thing", "answer": "x"}']))
    against = {"against": "held.jsonl"}
    removed = run_in(sources="train.csv", split=against)
    reported = run_in(sources="train.csv", split={**against, "overlap": "report"})
    for dataset, gone in ((removed, 7), (reported, 0)):
        found = next(one for one in dataset.overlaps if one.split == "held.jsonl")
        assert (found.exact, found.normalised, found.near, found.examples) == (0, 7, 7, 8)
        assert found.removed_from_train == gone == 180 - sum(dataset.counts.values())
    assert "| held.jsonl | 8 | 0 | 7 | 7 | 0 | 7 |" in (removed.path / "card.md").read_text()
    assert set(removed.sources) == {"train.csv", "held.jsonl"}


def dated(project: Path, questions: Questions, header: str = "text,category,when") -> None:
    days = [f"2024-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(len(questions))]
    rows = [f'"{text}",{label},{day}' for (text, label), day in zip(questions, days, strict=True)]
    (project / "a.csv").write_text("\n".join([header, *reversed(rows)]))


def test_a_table_is_split_by_the_time_of_a_column(project: Path, questions: Questions, run_in: Run) -> None:
    dated(project, questions)
    dataset = run_in(sources="a.csv", columns={"time": "when"}, split={"by": "time"})
    assert dataset.counts == {"train": 126, "validation": 27, "test": 27}
    times = {name: [one.time for one in on_disk.read(dataset, name)] for name in SPLITS}
    assert max(times["train"]) < min(times["validation"])
    assert max(times["validation"]) < min(times["test"])
    assert "Split by time" in (dataset.path / "card.md").read_text()
    assert run_in(sources="a.csv", columns={"time": "when"}, split={"by": ["label", "time"]}).counts == {
        "train": 126,
        "validation": 27,
        "test": 27,
    }


def test_a_time_that_cannot_be_read_is_told_by_file_and_line(
    project: Path, questions: Questions, run_in: Run
) -> None:
    dated(project, questions)
    lines = (project / "a.csv").read_text().splitlines()
    lines[4] = f"{lines[4].rpartition(',')[0]},soon"
    lines[6] = f"{lines[6].rpartition(',')[0]},"
    (project / "a.csv").write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        run_in(sources="a.csv", columns={"time": "when"})
    assert [one.where for one in caught.value.problems] == ["a.csv line 5", "a.csv line 7"]
    kept = run_in(sources="a.csv", columns={"time": "when"}, split={"by": "time"}, skip_bad_lines=True)
    assert sum(kept.counts.values()) == 178


def test_a_split_by_time_needs_times(project: Path, questions: Questions, run_in: Run) -> None:
    dated(project, questions)
    with pytest.raises(DataError, match="180 examples have no time") as caught:
        run_in(sources="a.csv", columns={"text": "text", "label": "category"}, split={"by": "time"})
    assert "data.columns.time" in caught.value.problems[0].fix


def test_training_that_is_newer_than_own_test_files_is_told(
    project: Path, questions: Questions, run_in: Run
) -> None:
    dated(project, questions)
    (project / "test.csv").write_text("text,category,when\nsomething else at all,card,2024-02-01\n")
    dataset = run_in(sources="a.csv", test="test.csv", columns={"time": "when"}, split={"by": "time"})
    assert any("not older than your own evaluation files" in one.what for one in dataset.problems)


def test_a_class_too_small_to_divide_is_told_with_its_name_and_count(
    project: Path, questions: Questions, csv_of: Callable[[Questions], str], run_in: Run
) -> None:
    rare = [("where is the branch office", "branch"), ("opening hours on sunday", "branch")]
    alike = [(f"the very same question number {n}", "alike") for n in range(9)]
    (project / "a.csv").write_text(csv_of([*questions, *rare, *alike]))
    told = [problem.what for problem in run_in(sources="a.csv").problems]
    assert any(what.startswith("the label `branch` has only 2 examples: ") for what in told)
    assert any(
        "the 9 examples of the label `alike` cannot be divided among all splits: 9 in train; none in test"
        in what
        for what in told
    )
