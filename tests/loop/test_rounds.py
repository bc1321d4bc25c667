"""Rounds of training from preferences to a policy, each a step of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tunewright.core.types import Checkpoint, Event
from tunewright.loop.line import walk
from tunewright.loop.spec import Spec

from .conftest import WORDS, questions

SPEC = """\
name: tone
model: {model}
define:
  objective: Say which desk it is.
  task: question-answering
data:
  sources: [pairs.json]
train:
  epochs: 1
  then:
    method: reward
    epochs: 1
    then:
      method: {{grpo: {{rewards: [reward, token_f1], answers: 2, longest: 4}}}}
      epochs: 0.2
      batch: 4
"""


def project(folder: Path, model: Path) -> Spec:
    """A project of pairs of answers; what its spec says."""
    desks = list(WORDS)
    rows = [
        {"prompt": text, "chosen": label, "rejected": desks[(desks.index(label) + 1) % len(desks)]}
        for text, label in questions(each=20)
    ]
    folder.mkdir(exist_ok=True)
    (folder / "pairs.json").write_text(json.dumps(rows))
    (folder / "tunewright.yaml").write_text(SPEC.format(model=model))
    return Spec.read(folder / "tunewright.yaml")


def test_preferences_become_a_reward_model_and_that_a_policy(model: Path, tmp_path: Path) -> None:
    heard: list[Event] = []
    spec = project(tmp_path, model)
    made = walk(tmp_path, spec, only="train", emit=heard.append).checkpoint
    assert made is not None and made.method == "grpo"
    ends = [event for event in heard if event.step == "train" and event.kind == "finished"]
    assert len(ends) == 3 and made.id == ends[2].data["artifact"]
    taught, rater = ends[0].data["artifact"], ends[1].data["artifact"]
    assert {taught, rater} < set(made.parents), "the policy goes on from what was taught, not from the rater"
    looks = [event.data for event in heard if "reward_reward" in event.data]
    assert {"reward", "reward_token_f1", "kl"} <= set(looks[-1])
    again: list[Event] = []
    changed = spec.with_overrides("train.then.then.learning_rate=2e-4")
    walk(tmp_path, changed, only="train", emit=again.append)
    told = [event.kind for event in again if event.step == "train" and event.kind in ("finished", "reused")]
    assert told == ["reused", "reused", "finished"]


PREFER = "train.then={method: dpo, epochs: 6, learning_rate: 1e-4, evaluations: 2, patience: 0}"
CHILD = f"""
import sys
from pathlib import Path
from tunewright.loop.line import walk
from tunewright.loop.spec import Spec
folder = Path(sys.argv[1])
walk(folder, Spec.read(folder / "tunewright.yaml").with_overrides({PREFER!r}), only="train")
"""


def test_a_run_killed_in_its_second_round_keeps_the_first_and_goes_on_in_the_second(
    model: Path, tmp_path: Path
) -> None:
    spec = project(tmp_path / "cut", model).with_overrides(PREFER)
    made = tmp_path / "cut" / ".tunewright"
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path / "cut")]) as child:
        while child.poll() is None and not in_the_second_round(made):
            time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
    assert in_the_second_round(made), "the child was killed while it trained"
    heard: list[Event] = []
    rest = walk(tmp_path / "cut", spec, only="train", emit=heard.append).checkpoint
    told = [event for event in heard if event.step == "train"]
    assert [event.kind for event in told if event.kind in ("finished", "reused")] == ["reused", "finished"]
    assert any("going on from step" in event.message for event in told)
    project(tmp_path / "whole", model)
    whole = walk(tmp_path / "whole", spec, only="train").checkpoint
    assert losses(rest) == losses(whole)


def in_the_second_round(made: Path) -> bool:
    """Whether the first round is finished, and the second has saved twice."""
    first = list(made.glob("artifacts/checkpoint-*"))
    return len(first) == 1 and len(list(made.glob("partial/checkpoint-*.scratch/*/step-*"))) >= 2


def losses(made: Checkpoint | None) -> object:
    assert made is not None
    return json.loads((made.path / "run.json").read_bytes())["curve"]["losses"]
