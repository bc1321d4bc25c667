"""Ratios, weights and replay: what training sees how often."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.core.types import Dataset, Example, Message
from tunewright.data import DataSpec, check
from tunewright.data.mix import mixed, portions
from tunewright.data.spec import Mix
from tunewright.runtime import examples as on_disk
from tunewright.runtime.examples import REPEAT, REPLAY

Questions = list[tuple[str, str]]
Run = Callable[..., Dataset]
NAMES = ("old.csv", "new.csv")


def example(place: int, source: str) -> Example:
    turns = (Message(role="user", content=f"q{place}"), Message(role="assistant", content="a"))
    return Example(id=f"e{place}", messages=turns, source=f"{source} line {place}")


EXAMPLES = [example(n, NAMES[n % 2]) for n in range(40)]


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.integers(0, 9))
def test_a_ratio_is_how_often_the_examples_of_a_source_stand(old: float, new: float, seed: int) -> None:
    found = mixed(EXAMPLES, Mix(ratios={"old.csv": old, "new.csv": new}), NAMES, seed)
    standing = Counter(one.source.split()[0] for one in found)
    assert [standing["old.csv"], standing["new.csv"]] == [
        int(ratio) * 20 + round((ratio - int(ratio)) * 20) for ratio in (old, new)
    ]
    assert len({one.id for one in found}) == len(found)
    often = Counter((one.source.split()[0], one.messages) for one in found)
    assert all(int({"old.csv": old, "new.csv": new}[name]) <= n for (name, _), n in often.items())


def test_a_mix_that_says_nothing_changes_nothing() -> None:
    assert mixed(EXAMPLES, Mix(), NAMES, 0) == EXAMPLES


def test_what_is_drawn_does_not_depend_on_the_order_of_lines() -> None:
    mix = Mix(ratios={"old.csv": 0.4, "new.csv": 1.7})
    first, second = mixed(EXAMPLES, mix, NAMES, 3), mixed(EXAMPLES[::-1], mix, NAMES, 3)
    assert sorted(one.id for one in first) == sorted(one.id for one in second)
    assert {one.id for one in first} != {one.id for one in mixed(EXAMPLES, mix, NAMES, 4)}


def test_the_portions_are_counts_shares_and_weights_by_source() -> None:
    found = mixed(EXAMPLES, Mix(ratios={"new.csv": 3}, weights={"old.csv": 0.5}), NAMES, 0)
    old, new = portions(found, NAMES)
    assert (old.examples, old.standing, old.share, old.weight) == (20, 20, 0.25, 0.5)
    assert (new.examples, new.standing, new.share, new.weight) == (20, 60, 0.75, 1.0)


def test_a_data_set_holds_its_mix_and_general_examples_are_only_trained_on(
    project: Path, questions: Questions, csv_of: Callable[[Questions], str], run_in: Run
) -> None:
    (project / "old.csv").write_text(csv_of(questions[:90]))
    (project / "new.csv").write_text(csv_of(questions[90:]))
    general = [{"instruction": f"say {n:b} {n * 77:x} aloud", "output": "aloud"} for n in range(60)]
    leaked = [{"instruction": text, "output": "?"} for text, _ in questions]
    (project / "general.json").write_text(json.dumps([*general, *leaked]))
    spec = {"sources": ["old.csv", "new.csv"], "split": {"by": []}}
    mix = {"ratios": {"new.csv": 2}, "weights": {"general.json": 0.5}}
    replay = {"sources": "general.json", "share": 0.2}
    dataset = run_in(**spec, mix={**mix, "replay": replay})
    train = on_disk.read(dataset, "train")
    added = [one for one in train if REPLAY in one.tags]
    assert dataset.counts["train"] == len(train) and len(added) == round(0.2 * len(train))
    assert all(one.weight == 0.5 and one.label is None for one in added)
    shares = {portion.source: portion for portion in dataset.mix}
    assert shares["new.csv"].standing == 2 * shares["new.csv"].examples
    assert shares["general.json"].replay and shares["general.json"].share == pytest.approx(0.2, abs=0.01)
    assert "general.json (general, against forgetting) |" in (dataset.path / "card.md").read_text()
    asked = {
        one.messages[0].content for name in ("validation", "test") for one in on_disk.read(dataset, name)
    }
    assert not asked & {one.messages[0].content for one in added}
    task = on_disk.of_task(dataset)
    assert len(task) == 126 and not any({REPLAY, REPEAT} & set(one.tags) for one in task)


def test_too_few_general_examples_are_told(
    project: Path, questions: Questions, csv_of: Callable[[Questions], str], run_in: Run
) -> None:
    (project / "a.csv").write_text(csv_of(questions))
    (project / "general.jsonl").write_text('{"prompt": "say hello", "completion": "hello"}\n')
    dataset = run_in(sources="a.csv", mix={"replay": {"sources": "general.jsonl", "share": 0.5}})
    assert any("126 general examples are wanted, and 1 were found" in one.what for one in dataset.problems)


def test_wrong_names_and_numbers_of_a_mix_are_known_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("text,label\na,b\n")
    mix = {"ratios": {"odl.csv": 2, "old.csv": 0}, "replay": {"sources": "none.csv", "share": 1}}
    spec = DataSpec.model_validate({"sources": "old.csv", "mix": mix})
    found = {problem.where: f"{problem.what} {problem.fix}" for problem in check(spec, tmp_path)}
    assert "did you mean `old.csv`" in found["data.mix.ratios.odl.csv"]
    assert "0 is no number above 0" in found["data.mix.ratios.old.csv"]
    assert "no share" in found["data.mix.replay.share"]
    assert "there is no file" in found["data.mix.replay.sources[0]"]
