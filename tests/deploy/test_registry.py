"""Which releases exist, and which one is served."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tunewright.core.errors import DeployError, WorkspaceError
from tunewright.core.types import ModelRef, Parity, Release
from tunewright.deploy import registry
from tunewright.deploy.parity import EVIDENCE, Evidence
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


def passed(workspace: Workspace, number: int) -> Release:
    """A release whose gate was passed, as far as the registry looks."""
    same = Parity(a="trained model", b="merged", prompts=1, equal=1, checker="transformers")
    effect = same.model_copy(update={"a": "base", "b": "trained model", "equal": 0})
    found = Evidence(same=same, effect=effect, largest_effect=0.5, prompts=("1",))
    made = release(workspace, number, there=False).model_copy(update={"parity": found.parities})
    made.path.mkdir(parents=True)
    (made.path / EVIDENCE).write_text(found.model_dump_json())
    published = workspace.publish(made, made.path)
    registry.register(workspace, published)
    return published


def states(found: Registry) -> dict[str, str]:
    return {entry.release: entry.state for entry in found.entries}


def test_rolling_back_goes_to_the_champion_of_before_and_says_when(workspace: Workspace) -> None:
    for number in range(3):
        passed(workspace, number)
        registry.promote(workspace, f"release-{number}")
    back = registry.rollback(workspace)
    assert states(back) == {"release-0": "retired", "release-1": "champion", "release-2": "retired"}
    assert [(one.release, one.back) for one in back.history][-2:] == [
        ("release-2", False),
        ("release-1", True),
    ]
    found = registry.current(workspace)
    assert found is not None and found.id == "release-1"
    assert registry.rollback(workspace).champion == "release-2", "and from there forth again"


def test_rolling_back_passes_over_what_is_damaged_or_gone(workspace: Workspace) -> None:
    for number in range(3):
        passed(workspace, number)
        registry.promote(workspace, f"release-{number}")
    place = workspace.find("release-1", Release)
    assert place is not None
    (place.path / EVIDENCE).unlink()
    assert registry.rollback(workspace).champion == "release-0"


def test_rolling_back_without_a_champion_before_is_refused(workspace: Workspace) -> None:
    passed(workspace, 0)
    registry.promote(workspace, "release-0")
    assert len(registry.promote(workspace, "release-0").history) == 1, (
        "promoting the champion changes nothing"
    )
    with pytest.raises(DeployError, match="no release was the champion before"):
        registry.rollback(workspace)
    assert registry.read(workspace).champion == "release-0"


def test_what_a_kill_leaves_has_one_champion_at_every_moment(workspace: Workspace) -> None:
    for number in range(2):
        passed(workspace, number)
    registry.promote(workspace, "release-0")
    code = (
        "import sys\nfrom pathlib import Path\nfrom tunewright.deploy import registry\n"
        "from tunewright.runtime.workspace import Workspace\nworkspace = Workspace(Path(sys.argv[1]))\n"
        "print('ready', flush=True)\nwhile True:\n"
        "    registry.promote(workspace, 'release-1')\n    registry.rollback(workspace)\n"
    )
    chance, changes = random.Random(0), 0
    for _ in range(12):
        command = [sys.executable, "-c", code, str(workspace.root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline()
            end = time.monotonic() + chance.uniform(0.0, 0.3)
            while time.monotonic() < end:
                assert list(states(registry.read(workspace)).values()).count("champion") == 1
            process.kill()
        found = registry.read(workspace)
        assert list(states(found).values()).count("champion") == 1
        assert registry.current(workspace) is not None
        assert len(found.history) >= changes
        changes = len(found.history)
    assert changes > 12
    registry.promote(workspace, "release-1")
    assert registry.read(workspace).champion == "release-1", "no kill leaves the registry locked"
