"""A step makes an artifact once, goes on where it was stopped, and never makes it twice at once."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from tunewright.core.errors import Busy, Stopped, WorkspaceError
from tunewright.core.types import Event, Frozen, Task
from tunewright.loop.step import Stepper
from tunewright.runtime import settings
from tunewright.runtime.context import Context
from tunewright.runtime.workspace import Workspace, writable


class Wish(Frozen):
    objective: str = "answer well"


def make(context: Context, wish: Wish) -> Task:
    (context.folder / "notes.txt").write_text(wish.objective)
    return context.seal(Task, objective=wish.objective, type="chat")


def stepper(folder: Path, heard: list[Event] | None = None, *, stop: bool = False, seed: int = 0) -> Stepper:
    return Stepper(
        project=folder,
        workspace=Workspace(folder / "store"),
        settings=settings.read({}),
        seed=seed,
        emit=(heard if heard is not None else []).append,
        should_stop=lambda: stop,
    )


def test_the_same_inputs_give_the_same_artifact_without_making_it_again(tmp_path: Path) -> None:
    heard: list[Event] = []
    first = stepper(tmp_path, heard).step("define", make, {}, Wish())
    second = stepper(tmp_path, heard).step("define", make, {}, Wish())
    assert first == second
    assert [event.kind for event in heard] == ["started", "finished", "reused"]
    assert (second.path / "notes.txt").read_text() == "answer well"


@pytest.mark.parametrize("change", ["spec", "seed", "fingerprint"])
def test_whatever_an_artifact_depends_on_changes_its_id(tmp_path: Path, change: str) -> None:
    before = stepper(tmp_path).step("define", make, {}, Wish())
    after = stepper(tmp_path, seed=change == "seed").step(
        "define",
        make,
        {"file": "abc"} if change == "fingerprint" else {},
        Wish(objective="answer better") if change == "spec" else Wish(),
    )
    assert before.id != after.id


def test_again_makes_an_artifact_that_exists(tmp_path: Path) -> None:
    heard: list[Event] = []
    stepper(tmp_path).step("define", make, {}, Wish())
    anew = stepper(tmp_path, heard)
    Stepper(**{**anew.__dict__, "since": time.time() + 1}).step("define", make, {}, Wish())
    assert [event.kind for event in heard] == ["started", "finished"]


def test_a_clock_set_back_neither_loses_what_a_step_had_done_nor_makes_it_twice(
    tmp_path: Path,
) -> None:
    def go_on(context: Context, wish: Wish) -> Task:
        half = context.folder / "half"
        if not half.exists():
            half.touch()
            raise WorkspaceError("killed")
        return make(context, wish)

    ahead = time.time() + 3600  # when the run was started, by a clock that has been set back since
    heard: list[Event] = []
    again = Stepper(**{**stepper(tmp_path, heard).__dict__, "since": ahead})
    with pytest.raises(WorkspaceError, match="killed"):
        again.step("define", go_on, {}, Wish())
    assert again.step("define", go_on, {}, Wish()) == again.step("define", go_on, {}, Wish())
    assert [event.kind for event in heard] == ["started", "started", "finished", "reused"]
    later = Stepper(**{**again.__dict__, "since": ahead + 1})
    with pytest.raises(WorkspaceError, match="killed"):
        later.step("define", go_on, {}, Wish())


def test_what_a_step_goes_on_from_is_thrown_away_only_once_the_artifact_is_there(tmp_path: Path) -> None:
    def save(context: Context, wish: Wish) -> Task:
        context.scratch.mkdir(exist_ok=True)
        (context.scratch / "save").touch()
        return make(context, wish)

    made = stepper(tmp_path).step("define", save, {}, Wish())
    assert not list(tmp_path.glob("store/partial/*"))
    assert not (made.path / "save").exists()


def test_a_step_that_fails_leaves_no_artifact_and_keeps_its_folder(tmp_path: Path) -> None:
    def fail(context: Context, wish: Wish) -> Task:
        (context.folder / "half").write_text(wish.objective)
        raise WorkspaceError("no")

    with pytest.raises(WorkspaceError):
        stepper(tmp_path).step("define", fail, {}, Wish())
    assert not list(tmp_path.glob("store/artifacts/*"))
    assert [path.name for path in tmp_path.glob("store/partial/*/*")] == ["half"]


def test_a_run_that_was_asked_to_stop_makes_nothing_more(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        stepper(tmp_path, stop=True).step("define", make, {}, Wish())


def test_an_artifact_that_another_process_makes_is_refused_not_spoilt(tmp_path: Path) -> None:
    ready, done = multiprocessing.Event(), multiprocessing.Event()
    probe: list[str] = []

    def look(context: Context, wish: Wish) -> Task:
        probe.append(context.artifact_id)
        return make(context, wish)

    stepper(tmp_path / "probe").step("define", look, {}, Wish())
    holder = multiprocessing.Process(target=_hold, args=(tmp_path / "store", probe[0], ready, done))
    holder.start()
    try:
        assert ready.wait(20)
        with pytest.raises(Busy, match="another run"):
            stepper(tmp_path).step("define", make, {}, Wish())
    finally:
        done.set()
        holder.join()
    assert stepper(tmp_path).step("define", make, {}, Wish()).objective == "answer well"


def _hold(root: Path, artifact_id: str, ready: object, done: object) -> None:
    with Workspace(root).lock(artifact_id):
        ready.set()  # type: ignore[attr-defined]
        done.wait(20)  # type: ignore[attr-defined]


def test_a_full_disk_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught, writable(tmp_path):
        Path("/dev/full").write_text("x")
    assert "No space left" in str(caught.value)
    assert "resume" in caught.value.problems[0].fix


def test_an_artifact_moves_with_its_project(tmp_path: Path) -> None:
    made = stepper(tmp_path / "a").step("define", make, {}, Wish())
    (tmp_path / "a").rename(tmp_path / "b")
    found = Workspace(tmp_path / "b" / "store").find(made.id, Task)
    assert found is not None
    assert found.path.is_relative_to(tmp_path / "b")
