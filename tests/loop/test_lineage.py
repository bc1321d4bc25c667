"""Every artifact knows what it was made from, and what was made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright import Project
from tunewright.core.errors import WorkspaceError
from tunewright.loop.lineage import Lineage, lineage, reached
from tunewright.runtime.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path)
    for name, parents in (
        ("task-1", []),
        ("dataset-1", ["task-1"]),
        ("checkpoint-1", ["base-1", "dataset-1", "task-1"]),
        ("release-1", ["checkpoint-1", "dataset-1"]),
        ("dataset-2", ["task-1"]),
    ):
        made.folder(name).mkdir(parents=True)
        manifest = {"id": name, "parents": parents, "digest": f"digest of {name}"}
        (made.folder(name) / "artifact.json").write_text(json.dumps(manifest))
    return made


def ids(found: Lineage) -> tuple[list[str], list[str]]:
    return [one.id for one in found.ancestors], [one.id for one in found.descendants]


def test_ancestors_and_descendants_are_told_the_nearest_first(workspace: Workspace) -> None:
    assert ids(lineage(workspace, "checkpoint-1")) == (["base-1", "dataset-1", "task-1"], ["release-1"])
    above, below = ids(lineage(workspace, "task-1"))
    assert above == []
    assert set(below[:3]) == {"dataset-1", "dataset-2", "checkpoint-1"}
    assert below[3] == "release-1"


def test_an_ancestor_outside_the_workspace_is_named_without_a_date(workspace: Workspace) -> None:
    base, dataset, _ = lineage(workspace, "checkpoint-1").ancestors
    assert (base.made, base.digest) == (None, "")
    assert dataset.made is not None
    assert dataset.digest == "digest of dataset-1"


def test_an_unknown_artifact_is_refused_with_the_nearest_that_is_known(workspace: Workspace) -> None:
    with pytest.raises(WorkspaceError, match="unknown artifact `relase-1`") as caught:
        lineage(workspace, "relase-1")
    assert "release-1" in caught.value.problems[0].fix


def test_a_walk_goes_back_to_the_content_of_its_sources_with_seeds_and_versions(walked: Path) -> None:
    project = Project.open(walked)
    outcome = project.outcome()
    assert outcome.dataset is not None and outcome.release is not None
    (source,) = [one for one in project.lineage(outcome.release.id).ancestors if "@" in one.id]
    assert source.id == f"data.csv@{outcome.dataset.sources['data.csv'][:12]}"
    below = project.lineage("data.csv").descendants
    assert below[0].id == outcome.dataset.id and outcome.release.id in {one.id for one in below}
    assert all(one.seed == 0 and one.version for one in below)


def test_a_circle_of_links_ends() -> None:
    assert reached({"a": ["b"], "b": ["c"], "c": ["a"]}, ["a"]) == ("b", "c")


def test_the_proposal_of_a_walk_goes_back_to_its_task(walked: Path) -> None:
    project = Project.open(walked)
    outcome = project.outcome()
    assert outcome.task is not None
    assert outcome.proposal is not None
    assert outcome.task.id in ids(project.lineage(outcome.proposal.id))[0]
    assert outcome.proposal.id in ids(project.lineage(outcome.task.id))[1]
