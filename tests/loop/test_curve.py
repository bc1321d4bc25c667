"""What more examples are worth, asked of a project."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.loop.conftest import SPEC, WORDS
from tunewright import Project
from tunewright.cli.app import app
from tunewright.core.errors import SpecError, WorkspaceError
from tunewright.core.types import Event
from tunewright.runtime import examples

FILL = ("please", "today", "again", "why", "what", "now", "still", "help", "about", "soon")


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """Three desks and 360 different questions, read and split."""
    folder, chance = tmp_path_factory.mktemp("desks"), random.Random(0)
    (folder / "tunewright.yaml").write_text(SPEC.format(model=model))
    lines = {
        f"{' '.join(chance.sample([chance.choice(words), *chance.sample(FILL, 4)], 5))} {number},{label}\n"
        for label, words in WORDS.items()
        for number in range(120)
    }
    (folder / "data.csv").write_text("text,label\n" + "".join(sorted(lines)))
    Project.open(folder).run(only="data")
    return folder


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """Short answers to 60 questions, to be trained on."""
    folder = tmp_path_factory.mktemp("replies")
    spec = SPEC.format(model=model).replace("task: classification", "task: generation")
    spec = spec.replace("accuracy", "exact").replace("epochs: 1", "epochs: 1\n  tracker: null")
    (folder / "tunewright.yaml").write_text(spec)
    rows = [
        {"prompt": f"{word} {place} {word[::-1]}?", "completion": f"yes {word} {place}."}
        for word in (*WORDS["card"], *WORDS["loan"])
        for place in ("peru", "chile", "malta", "nepal", "egypt", "spain")
    ]
    (folder / "data.csv").write_text(
        "prompt,completion\n" + "".join(f"{row['prompt']},{row['completion']}\n" for row in rows)
    )
    Project.open(folder).run(only="data")
    return folder


def test_the_curve_of_labels_has_an_interval_and_needs_no_training(desks: Path) -> None:
    heard: list[Event] = []
    curve = Project.open(desks).curve(more=200, listen=heard.append)
    assert curve.measure == "error" and curve.more == 200
    assert curve.gain.low <= curve.gain.value <= curve.gain.high
    assert {event.kind for event in heard} == {"progress"}


def test_the_command_prints_a_table_or_the_type_itself(desks: Path) -> None:
    table = CliRunner().invoke(app, ["curve", "-p", str(desks), "--more", "200"])
    assert table.exit_code == 0 and "200 more are worth" in table.output
    printed = CliRunner().invoke(app, ["curve", "-p", str(desks), "--json"])
    assert json.loads(printed.stdout)["more"] == 500


def test_without_labels_the_way_is_named(replies: Path) -> None:
    with pytest.raises(SpecError, match="without labels"):
        Project.open(replies).curve()


def test_training_on_parts_gives_a_curve_of_losses_that_is_not_made_twice(replies: Path) -> None:
    project = Project.open(replies)
    curve = project.curve(train=True)
    known = project.show("dataset").counts["train"]  # type: ignore[attr-defined]
    assert [point.examples for point in curve.points] == [known // 4, known // 2, known]
    assert curve.measure == "validation loss" and all(point.value > 0 for point in curve.points)
    heard: list[Event] = []
    assert project.curve(train=True, listen=heard.append) == curve
    assert {event.kind for event in heard if event.step.startswith("train")} == {"reused"}


def test_a_smaller_part_lies_in_a_larger_one_and_all_is_the_data_set_itself(replies: Path) -> None:
    project = Project.open(replies)
    project.curve(train=True)
    made = [project.workspace.find(path.name, type(project.show("dataset"))) for path in _datasets(replies)]
    ids = sorted(
        ({one.id for one in examples.read(part, "train")} for part in made if part is not None), key=len
    )
    assert len(ids) == 3 and ids[0] < ids[1] < ids[2]
    assert len(project.data.versions()) == 1


def _datasets(folder: Path) -> list[Path]:
    return sorted((folder / ".tunewright" / "artifacts").glob("dataset-*"))


def test_without_a_data_set_the_step_that_makes_it_is_named(tmp_path: Path, model: Path) -> None:
    (tmp_path / "tunewright.yaml").write_text(SPEC.format(model=model))
    with pytest.raises(WorkspaceError, match="no data set yet"):
        Project.open(tmp_path).curve()
