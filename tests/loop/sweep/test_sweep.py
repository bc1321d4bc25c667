"""A sweep trains, ranks with intervals, goes on after a kill, and hands over a spec that runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tests.loop.conftest import write_project
from tunewright import Project
from tunewright.cli.app import app
from tunewright.core.errors import SpecError, WorkspaceError
from tunewright.core.types import Checkpoint, Event, Report
from tunewright.loop import jobs
from tunewright.loop.sweep.leaderboard import Leaderboard
from tunewright.loop.sweep.settings import of_trial
from tunewright.loop.sweep.trials import begin, share
from tunewright.runtime import examples, hardware
from tunewright.runtime.measure import read_answers
from tunewright.testing.checkpoint import tiny_model


def project_with(folder: Path, model: Path, sweep: dict[str, object], **train: object) -> Path:
    """The three desks with a section `sweep`; as few test questions as it asks of the validation part."""
    path = write_project(folder, model) / "tunewright.yaml"
    spec = yaml.safe_load(path.read_text())
    spec["evaluate"]["test_examples"] = sweep.get("examples")
    spec["train"] = {"epochs": 1, "tracker": None, **train}
    path.write_text(yaml.safe_dump({**spec, "sweep": sweep}))
    return folder


def until(what: Callable[[], object], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


RATES = {"train.learning_rate": [1e-6, 3e-3]}


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, model: Path) -> tuple[Path, Leaderboard, list[Event]]:
    """Two rates beside that of the spec, which teaches nothing, two at a time."""
    sweep = {"paths": RATES, "workers": 2, "pruning": "none"}
    folder = project_with(tmp_path_factory.mktemp("swept") / "p", model, sweep, epochs=4, learning_rate=1e-6)
    heard: list[Event] = []
    return folder, Project.open(folder).sweep(listen=heard.append), heard


def test_the_leaderboard_has_every_trial_with_its_interval_the_best_first(
    swept: tuple[Path, Leaderboard, list[Event]],
) -> None:
    _, board, _ = swept
    values = [row.metric.value for row in board.rows if row.metric]
    assert values == sorted(values, reverse=True)
    assert all(row.metric and row.metric.low <= row.metric.value <= row.metric.high for row in board.rows)
    assert board.best.settings == {"train.learning_rate": 3e-3}
    assert board.best.tied and board.best.behind is None


def test_settings_that_come_to_the_same_stand_once(swept: tuple[Path, Leaderboard, list[Event]]) -> None:
    _, board, _ = swept
    assert [row.settings for row in board.rows].count({"train.learning_rate": 1e-6}) == 0
    assert len(board.rows) == 2


def test_trials_at_a_time_share_what_the_environment_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNEWRIGHT_THREADS", "5")
    monkeypatch.setenv("TUNEWRIGHT_MEMORY_GB", "6")
    assert share(2) == {"TUNEWRIGHT_THREADS": "2", "TUNEWRIGHT_MEMORY_GB": "3.000"}
    assert share(1) == {}
    monkeypatch.delenv("TUNEWRIGHT_MEMORY_GB")
    assert 0 < float(share(2)["TUNEWRIGHT_MEMORY_GB"]) < hardware.memory()[0] / 1e9 / 2


def test_trials_ran_side_by_side(swept: tuple[Path, Leaderboard, list[Event]]) -> None:
    _, board, _ = swept
    spans = []
    for path in sorted((board.folder / "trials").glob("*/events.jsonl")):
        times = [json.loads(line)["time"] for line in path.read_text().splitlines()]
        spans.append((times[0], times[-1]))
    assert len(spans) == 3 and spans[1][0] < spans[0][1]


def test_no_test_question_was_asked_to_choose(swept: tuple[Path, Leaderboard, list[Event]]) -> None:
    folder, board, _ = swept
    project = Project.open(folder)
    dataset = next(one.dataset for one in project.data.versions())
    validation = {one.id for one in examples.read(dataset, "validation")}
    for row in board.rows:
        report = project.workspace.find(row.report or "", Report)
        assert report and {answer.example for answer in read_answers(report, "tuned")} == validation
    assert board.gain is not None and board.test[0].n == dataset.counts["test"]
    assert board.gain.difference == pytest.approx(board.test[1].value - board.test[0].value)


def test_progress_and_time_left_are_told(swept: tuple[Path, Leaderboard, list[Event]]) -> None:
    _, _, heard = swept
    told = [one for one in heard if one.step == "sweep" and one.kind == "progress"]
    assert any(one.data.get("seconds_left", 0) > 0 for one in told)
    assert told[-1].data["done"] == told[-1].data["total"] == 3


def test_the_winner_is_a_spec_whose_training_is_not_done_again(
    swept: tuple[Path, Leaderboard, list[Event]],
) -> None:
    folder, board, _ = swept
    original = (folder / "tunewright.yaml").read_text()
    (folder / "tunewright.yaml").write_text(board.winner.read_text())
    heard: list[str] = []
    outcome = Project.open(folder).run(
        only="train", listen=lambda event: heard.append(f"{event.step} {event.kind}")
    )
    (folder / "tunewright.yaml").write_text(original)
    assert "train reused" in heard
    assert outcome.checkpoint is not None and outcome.checkpoint.id == board.best.checkpoint


def test_a_sweep_that_is_over_trains_nothing_and_says_the_same(
    swept: tuple[Path, Leaderboard, list[Event]],
) -> None:
    folder, board, _ = swept
    began = time.monotonic()
    assert Project.open(folder).sweep() == board
    assert time.monotonic() - began < 20
    told = CliRunner().invoke(app, ["sweep", "--project", str(folder)])
    assert told.exit_code == 0, told.output
    assert "3e-3" not in told.stdout and "0.003" in told.stdout and "winner.yaml" in told.stdout
    assert "--set train.learning_rate=0.003" in told.stdout
    assert (board.folder / "leaderboard.html").read_text().count("<tr") == 3


def test_a_killed_sweep_goes_on_and_repeats_nothing(tmp_path: Path, model: Path) -> None:
    sweep = {"paths": {"train.learning_rate": [1e-4, 3e-4, 1e-3]}, "examples": 6}
    folder = project_with(tmp_path / "p", model, sweep, epochs=3)
    command = [sys.executable, "-m", "tunewright", "sweep", "--project", str(folder)]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    second = ".tunewright/sweeps/*/trials/0001/run.json"
    until(lambda: list(folder.glob(second)))
    run = jobs.read(next(folder.glob(second)).parent)
    until(lambda: "train" in (run.events.read_text() if run.events.exists() else ""))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    os.kill(run.pid, signal.SIGKILL)
    until(lambda: not jobs.alive(run))
    before = jobs.read(run.folder.parent / "0000")
    board = Project.open(folder).sweep()
    assert jobs.read(before.folder) == before, "what was over was not done again"
    assert jobs.read(run.folder).pid != run.pid, "what was cut short was"
    assert sorted(row.trial for row in board.rows) in ([0, 1, 2], [0, 1, 2, 3])
    assert board.questions == 6


def test_a_trial_that_outlived_its_sweep_is_taken_over(tmp_path: Path, model: Path) -> None:
    folder = project_with(tmp_path / "p", model, {"paths": RATES}, epochs=50)
    spec = of_trial(Project.open(folder).spec, {}, "validation")
    place = folder / ".tunewright" / "sweeps" / "sweep-1" / "trials" / "0000"
    first = begin(place, folder, spec, "validation", {})
    assert begin(place, folder, spec, "validation", {}) == first
    with pytest.raises(WorkspaceError, match="going on"):
        Project.open(folder).erase("ana")
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not jobs.alive(first))
    again = begin(place, folder, spec, "validation", {})
    assert again.pid != first.pid
    assert 0 <= jobs.age(again) < jobs.age(first)
    os.kill(again.pid, signal.SIGKILL)


def test_a_pruned_trial_is_stopped_early_and_leaves_nothing_half_made(tmp_path: Path, model: Path) -> None:
    sweep = {"paths": {"train.learning_rate": [2e-3, 3e-3, 1e-6]}, "examples": 6}
    folder = project_with(tmp_path / "p", model, sweep, epochs=20, patience=0)
    board = Project.open(folder).sweep()
    (pruned,) = [row for row in board.rows if row.state == "pruned"]
    assert pruned.settings == {"train.learning_rate": 1e-6} and "look" in pruned.problem
    assert not list((folder / ".tunewright" / "partial").iterdir())


def test_data_mix_and_base_model_are_tried_on_the_same_questions(tmp_path: Path, model: Path) -> None:
    other = tiny_model(tmp_path / "other", seed=1)
    sweep = {
        "paths": {"model": [str(other)], "data.mix.ratios.data.csv": [0.5, 2]},
        "workers": 2,
        "examples": 9,
    }
    folder = project_with(tmp_path / "p", model, sweep)
    board = Project.open(folder).sweep()
    assert [row.state for row in board.rows] == ["complete"] * 3
    assert {row.metric.n for row in board.rows if row.metric} == {9}
    project = Project.open(folder)
    bases = set()
    for row in board.rows:
        checkpoint = project.workspace.find(row.checkpoint or "", Checkpoint)
        assert checkpoint is not None
        bases.add(checkpoint.base.sha256)
    assert len(bases) == 2
    seen = {one.dataset.counts["train"] for one in project.data.versions()}
    assert seen == {42, 84, 168}


def test_a_trial_that_fails_is_told_and_the_others_go_on(tmp_path: Path, model: Path) -> None:
    sweep = {"paths": {"train.max_tokens": [8, 512]}, "examples": 6}
    board = Project.open(project_with(tmp_path / "p", model, sweep)).sweep()
    states = {row.settings.get("train.max_tokens"): row for row in board.rows}
    assert states[8].state == "failed" and "tokens" in states[8].problem
    assert board.best.state == "complete"


def test_a_spec_that_cannot_be_trained_ends_the_sweep_with_its_error(tmp_path: Path, model: Path) -> None:
    sweep = {"paths": {"train.batch": [8, 4]}}
    folder = project_with(tmp_path / "p", model, sweep, max_tokens=8)
    told = CliRunner().invoke(app, ["sweep", "--project", str(folder)])
    assert told.exit_code != 0
    assert "tokens" in str(told.exception)


def test_every_bad_path_is_told_at_once_before_anything_runs(tmp_path: Path, model: Path) -> None:
    sweep = {
        "paths": {
            "train.lerning_rate": [1e-3],
            "train.tuner": ["lora", "lorra"],
            "train.tuner.rank": [4],
            "train.epochs": {"low": -1, "high": 3},
            "data.split.validation": [0.1, 0.2],
            "model": ["no-such-model"],
        },
        "objective": "acuracy",
    }
    folder = project_with(tmp_path / "p", model, sweep)
    with pytest.raises(SpecError) as error:
        Project.open(folder).sweep()
    told = {problem.where for problem in error.value.problems}
    assert {f"sweep.paths.{path}" for path in sweep["paths"]} <= told  # type: ignore[attr-defined]
    assert "sweep.objective" in told
    assert not (folder / ".tunewright").exists()
    assert {f"sweep.paths.{path}" for path in sweep["paths"]} <= {  # type: ignore[attr-defined]
        problem.where for problem in Project.open(folder).check()
    }


def test_a_range_that_is_none_hides_no_other_problem(tmp_path: Path, model: Path) -> None:
    paths = {"train.batch": 8, "train.lerning_rate": [1e-3], "train.epochs": {"low": 3, "high": 1}}
    folder = project_with(tmp_path / "p", model, {"paths": paths, "workers": 0})
    with pytest.raises(SpecError) as error:
        Project.open(folder)
    told = {problem.where.removeprefix("tunewright.yaml: "): problem.fix for problem in error.value.problems}
    assert {f"sweep.paths.{path}" for path in paths} | {"sweep.workers"} <= told.keys()
    assert told["sweep.paths.train.lerning_rate"] == "did you mean `learning_rate`?"
    assert "train.tuner.r: [8, 16]" in told["sweep.paths.train.batch"]


def test_a_path_into_a_round_that_is_not_there_is_told(tmp_path: Path, model: Path) -> None:
    paths = {"train.then.learning_rate": [1e-4, 1e-5], "train.then.then.epochs": [1], "train.then": [None]}
    folder = project_with(tmp_path / "p", model, {"paths": paths})
    told = {one.where: one.what for one in Project.open(folder).check() if one.fatal}
    assert "1 round" in told["sweep.paths.train.then.learning_rate"]
    assert "sweep.paths.train.then.then.epochs" in told and "sweep.paths.train.then" not in told


def test_a_spec_without_a_sweep_says_what_to_write(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "p", model)
    with pytest.raises(SpecError, match="does not say what to try"):
        Project.open(folder).sweep()


def test_without_optuna_the_error_says_what_to_install(tmp_path: Path, model: Path) -> None:
    folder = project_with(tmp_path / "p", model, {"paths": RATES})
    code = (
        "import sys\nsys.modules['optuna'] = None\nsys.argv = ['tunewright', 'sweep', '-p', sys.argv[1]]\n"
        "from tunewright.cli import main\nsys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert 'pip install "tunewright[sweep]"' in done.stderr
