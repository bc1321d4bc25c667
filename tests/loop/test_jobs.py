"""A run outlives whoever started it, can be stopped, and goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.loop.conftest import write_project
from tunewright import Project
from tunewright.core.errors import TunewrightError, WorkspaceError
from tunewright.loop import jobs
from tunewright.runtime import events


def until(what: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise AssertionError("it never happened")


def test_a_run_outlives_the_process_that_started_it(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "p", model)
    code = "import sys\nfrom tunewright import Project\nProject.open(sys.argv[1]).start(only='data')"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, start_new_session=True)
    run = jobs.latest(folder)
    until(lambda: jobs.status(run) == "finished")
    assert Project.open(folder).outcome().dataset is not None


def test_a_killed_run_is_known_as_died_and_resume_goes_on(tmp_path: Path, model: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    run = project.start(only="baselines")
    until(lambda: "dataset" in jobs.made_by(run))
    os.kill(run.pid, signal.SIGKILL)
    until(lambda: jobs.status(run) == "died")
    heard: list[str] = []
    outcome = project.resume(listen=lambda event: heard.append(f"{event.step} {event.kind}"))
    assert outcome.baselines is not None
    assert "data reused" in heard


def test_a_run_that_is_asked_to_stop_says_so(tmp_path: Path, model: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    run = project.start()
    project.stop()
    until(lambda: jobs.status(run) != "running")
    assert jobs.status(run) == "stopped"


def test_a_run_that_fails_by_a_finding_tells_it_like_any_problem(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "p", model)
    settings = ("train.max_tokens=8", "evaluate.candidates=[classical]")
    with pytest.raises(TunewrightError, match=r"longer than `train\.max_tokens` of 8 tokens"):
        Project.open(folder, settings=settings).run(only="train")


def test_a_run_that_fails_tells_every_problem(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "p", model)
    (folder / "data.csv").write_text("text,label\n")
    with pytest.raises(TunewrightError) as caught:
        Project.open(folder).run(only="data")
    assert caught.value.problems[0].fix


def test_a_project_without_a_run_says_how_to_start_one(tmp_path: Path, model: Path) -> None:
    with pytest.raises(WorkspaceError, match="no run yet"):
        Project.open(write_project(tmp_path / "p", model)).stop()


def test_stop_reaches_the_run_that_is_going_on_behind_a_newer_one_that_ended(
    tmp_path: Path, model: Path
) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    first = project.start()
    until(lambda: "dataset" in jobs.made_by(first))
    project.run(only="data")
    assert project.stop().id == first.id
    until(lambda: jobs.status(first) == "stopped")


def test_stop_says_so_where_no_run_is_going_on(tmp_path: Path, model: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    project.run(only="define")
    with pytest.raises(WorkspaceError, match="the newest is finished"):
        project.stop()


def test_a_clock_that_was_set_back_does_not_hide_the_newest_run(tmp_path: Path) -> None:
    runs = tmp_path / ".tunewright" / "runs"
    ahead = runs / "29991231-235959-000"
    ahead.mkdir(parents=True)
    old = jobs.Run(id=ahead.name, folder=ahead, pid=1, born=-99.0)
    (ahead / "run.json").write_text(old.model_dump_json(exclude={"folder"}))
    made = [jobs.start(tmp_path) for _ in range(2)]
    assert [run.id for run in jobs.every(tmp_path)] == [old.id, *(run.id for run in made)]
    assert jobs.latest(tmp_path).id == made[-1].id and not jobs.alive(old)
    for run in made:
        list(jobs.follow(run))


def test_of_two_runs_that_make_the_same_at_once_one_is_refused_and_the_other_unharmed(
    tmp_path: Path, model: Path
) -> None:
    project = Project.open(write_project(tmp_path, model), settings=("train.epochs=30",))
    first, second = jobs.start(tmp_path, only="train", settings=project.overrides), None
    until(
        lambda: any(event.step == "train" for event in (event for event, _ in events.read_from(first.events)))
    )
    second = jobs.start(tmp_path, only="train", settings=project.overrides)
    with pytest.raises(TunewrightError, match="another run"):
        project.wait(second)
    jobs.stop(first)
    assert [event.kind for event in jobs.follow(first)][-1] in ("stopped", "finished")
