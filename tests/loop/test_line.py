"""The whole line on a tiny model: made once, made again only where something changed, offline."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright import Project
from tunewright.core.errors import SpecError
from tunewright.core.types import Event
from tunewright.loop.line import STEPS, walk
from tunewright.loop.spec import Spec


def kinds(heard: list[Event]) -> dict[str, str]:
    """What became of each step: `finished` or `reused`."""
    return {event.step: event.kind for event in heard if event.kind in ("finished", "reused")}


def again(folder: Path, *overrides: str) -> dict[str, str]:
    heard: list[Event] = []
    spec = Spec.read(folder / "tunewright.yaml").with_overrides(*overrides)
    walk(folder, spec, emit=heard.append)
    return kinds(heard)


def copy(walked: Path, folder: Path) -> Path:
    shutil.copytree(walked, folder / "copy")
    return folder / "copy"


def test_a_run_makes_every_artifact_of_the_line(walked: Path) -> None:
    outcome = Project.open(walked).outcome()
    assert set(outcome.artifacts()) == {
        "task",
        "dataset",
        "baselines",
        "checkpoint",
        "report",
        "release",
        "proposal",
    }
    assert outcome.report is not None
    assert outcome.baselines is not None
    assert {result.kind for result in outcome.baselines.results} == {"classical", "zero-shot", "few-shot"}
    assert {result.kind for result in outcome.report.results} >= {"classical", "zero-shot", "tuned"}
    assert not outcome.baselines.complete


def test_every_artifact_names_its_parents(walked: Path) -> None:
    made = Project.open(walked).outcome().artifacts()
    ids = {artifact.id for artifact in made.values()}
    assert set(made["report"].parents) & ids == {made["task"].id, made["dataset"].id, made["checkpoint"].id}


def test_a_second_run_makes_nothing_again(walked: Path, tmp_path: Path) -> None:
    assert again(copy(walked, tmp_path)) == dict.fromkeys(STEPS, "reused")


def test_changing_the_training_redoes_training_and_what_follows(walked: Path, tmp_path: Path) -> None:
    found = again(copy(walked, tmp_path), "train.learning_rate=0.002")
    assert [step for step in STEPS if found[step] == "finished"] == ["train", "evaluate", "deploy", "iterate"]


def test_a_further_round_is_a_step_of_its_own(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    then = "train.then={method: sft, epochs: 0.3, learning_rate: 1e-4}"
    heard: list[Event] = []
    walk(folder, Spec.read(folder / "tunewright.yaml").with_overrides(then), only="train", emit=heard.append)
    assert [
        event.kind for event in heard if event.step == "train" and event.kind in ("finished", "reused")
    ] == [
        "reused",
        "finished",
    ]


def test_a_model_that_is_tuned_whole_walks_the_line(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    spec = Spec.read(folder / "tunewright.yaml").with_overrides(
        "train.tuner=full", "train.learning_rate=1e-3"
    )
    outcome = walk(folder, spec)
    assert outcome.checkpoint is not None and (outcome.checkpoint.path / "model.safetensors").exists()
    assert outcome.report is not None and "tuned" in {result.kind for result in outcome.report.results}
    assert outcome.release is not None and outcome.release.parity is not None


def test_changing_one_byte_of_the_data_redoes_what_must_be(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    data = (folder / "data.csv").read_bytes()
    (folder / "data.csv").write_bytes(data.replace(b"please", b"pleasE", 1))
    found = again(folder)
    assert found["define"] == "reused"
    assert [step for step in STEPS if found[step] == "finished"] == list(STEPS[1:])


def test_a_run_can_stop_after_a_step(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    shutil.rmtree(folder / ".tunewright")
    outcome = Project.open(folder).run(only="data")
    assert set(outcome.artifacts()) == {"task", "dataset"}


def test_data_that_cannot_be_trained_on_is_refused_before_baselines(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    heard: list[Event] = []
    short = Spec.read(folder / "tunewright.yaml").with_overrides(
        "train.max_tokens=8", "evaluate.latency_examples=1"
    )
    with pytest.raises(SpecError, match="max_tokens"):
        walk(folder, short, emit=heard.append)
    assert kinds(heard) == {"define": "reused", "data": "reused"}
    walk(folder, short, only="baselines", emit=heard.append)
    assert kinds(heard)["baselines"] == "finished", "what is compared needs no training"


def test_the_line_needs_no_network(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    shutil.rmtree(folder / ".tunewright")
    code = """
import sys
from pathlib import Path

tried = []

def cut(event, args):
    if event == "subprocess.Popen" and args[1][0] == "uname":
        return  # Python's own `platform`
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "subprocess.Popen"):
        tried.append((event, args))  # whoever swallows the error has tried nevertheless
        raise RuntimeError(f"the network is cut: {event} {args}")

sys.addaudithook(cut)
from tunewright.loop.line import walk
from tunewright.loop.spec import Spec

folder = Path(sys.argv[1])
outcome = walk(folder, Spec.read(folder / "tunewright.yaml"))
assert not tried, tried
print(outcome.report.verdict.word)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] in ("ship", "iterate", "needs more examples", "waived")


def test_what_stands_now_is_never_a_mix_of_two_lines(walked: Path, tmp_path: Path) -> None:
    folder = copy(walked, tmp_path)
    (folder / "data.csv").write_bytes((folder / "data.csv").read_bytes().replace(b"please", b"pleasE", 1))
    Project.open(folder).run(only="data")
    assert set(Project.open(folder).outcome().artifacts()) == {"task", "dataset"}


def test_a_warning_of_the_settings_alone_is_silent_once_the_data_answers_it(
    walked: Path, tmp_path: Path
) -> None:
    folder = copy(walked, tmp_path)
    long = Project.open(folder, settings=("train.epochs=50",))
    assert not [one for one in long.check() if "by heart" in one.what], "validation ends the run early"
    shutil.rmtree(folder / ".tunewright")
    assert [one for one in long.check() if "by heart" in one.what]
