"""Which releases exist, and which one is served."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import ModelRef, Release
from tunewright.deploy import registry
from tunewright.deploy.registry import Entry, Registry
from tunewright.runtime.workspace import Workspace, atomic_write


def release(workspace: Workspace, number: int, *, allowed: bool = True, there: bool = True) -> Release:
    made = Release(
        id=f"release-{number}",
        path=workspace.root / "partial" / f"release-{number}",
        digest="0",
        checkpoint=f"checkpoint-{number}",
        report="report-1",
        form="merged",
        base=ModelRef(name="tiny", revision="1", sha256="0"),
        allowed=allowed,
    )
    if there:
        made.path.mkdir(parents=True)
        workspace.publish(made, made.path)
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / ".tunewright")


def test_an_empty_project_serves_nothing(workspace: Workspace) -> None:
    assert registry.current(workspace) is None


def test_the_newest_allowed_release_is_served(workspace: Workspace) -> None:
    for number, allowed in enumerate([True, True, False]):
        registry.register(workspace, release(workspace, number, allowed=allowed))
    found = registry.current(workspace)
    assert found is not None
    assert found.id == "release-1"


def test_without_an_allowed_one_the_newest_candidate_is_served(workspace: Workspace) -> None:
    for number in range(2):
        registry.register(workspace, release(workspace, number, allowed=False))
    found = registry.current(workspace)
    assert found is not None
    assert found.id == "release-1"


def test_registering_again_makes_it_the_newest_and_lists_it_once(workspace: Workspace) -> None:
    first, second = release(workspace, 0), release(workspace, 1)
    for made in (first, second, first):
        registry.register(workspace, made)
    assert [entry.release for entry in registry.read(workspace).entries] == ["release-1", "release-0"]


def test_a_champion_comes_before_a_newer_candidate_and_a_retired_one_never(workspace: Workspace) -> None:
    for number in range(3):
        release(workspace, number)
    states = ("champion", "retired", "candidate")
    entries = tuple(
        Entry(release=f"release-{n}", checkpoint="c", state=state, allowed=True)  # type: ignore[arg-type]
        for n, state in enumerate(states)
    )
    atomic_write(workspace.root / registry.FILE, Registry(entries=entries).model_dump_json().encode())
    found = registry.current(workspace)
    assert found is not None
    assert found.id == "release-0"


def test_a_release_whose_folder_is_gone_is_passed_over(workspace: Workspace) -> None:
    registry.register(workspace, release(workspace, 0))
    registry.register(workspace, release(workspace, 1, there=False))
    found = registry.current(workspace)
    assert found is not None
    assert found.id == "release-0"


def test_a_registry_that_cannot_be_read_is_named(workspace: Workspace) -> None:
    workspace.root.mkdir()
    (workspace.root / registry.FILE).write_text("{")
    with pytest.raises(WorkspaceError) as caught:
        registry.current(workspace)
    assert caught.value.problems[0].where.endswith("registry.json")


def test_releases_registered_at_the_same_time_are_all_kept(workspace: Workspace) -> None:
    made = [release(workspace, number) for number in range(6)]
    threads = [threading.Thread(target=registry.register, args=(workspace, one)) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {entry.release for entry in registry.read(workspace).entries} == {one.id for one in made}
