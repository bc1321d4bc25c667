"""The data sets of a project, and what was asked otherwise for each of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.conftest import write_project
from tunewright import Project
from tunewright.core.errors import SpecError, WorkspaceError
from tunewright.loop.line import walk


def make(folder: Path, *settings: str) -> Project:
    """A data set made in this process."""
    project = Project.open(folder, settings=settings)
    walk(folder, project.spec, only="data")
    return project


def test_versions_say_what_changed_from_one_to_the_next(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path, model)
    assert Project.open(folder).data.versions() == ()
    make(folder)
    (folder / "data.csv").write_text((folder / "data.csv").read_text() + "something else entirely,card\n")
    make(folder)
    project = make(folder, "data.split.test=0.2", "seed=3")
    third, second, first = project.data.versions()
    assert first.changed == ()
    assert second.changed == ("data.csv: other content",)
    assert third.changed == ("data.split.test: the default → 0.2", "seed: 0 → 3")
    kinds = {shift.kind for shift in project.data.diff(first.dataset.id, second.dataset.id).shifts}
    assert "added" in kinds and "removed" not in kinds


def test_a_setting_that_changes_no_example_leaves_the_content_the_same(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path, model)
    make(folder)
    project = make(folder, "data.skip_bad_lines=true")
    second, first = project.data.versions()
    assert second.dataset.id != first.dataset.id and second.dataset.digest == first.dataset.digest
    assert project.data.diff().shifts == ()


def test_any_example_of_any_split_is_shown_with_its_stop_token(walked: Path) -> None:
    project = Project.open(walked)
    counts = project.show("dataset").counts  # type: ignore[attr-defined]
    for split in ("train", "validation", "test"):
        for number in (0, counts[split] - 1):
            assert [token.stop for token in project.preview(number, split).tokens].count(True) == 1
        with pytest.raises(WorkspaceError, match=f"no example {counts[split]} in `{split}`"):
            project.preview(counts[split], split)
    with pytest.raises(SpecError, match="unknown split `tset`"):
        project.preview(0, "tset")  # type: ignore[arg-type]
