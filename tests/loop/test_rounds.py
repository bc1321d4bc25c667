"""Rounds of training from preferences to a policy, each a step of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tunewright.core.types import Event
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


def test_preferences_become_a_reward_model_and_that_a_policy(model: Path, tmp_path: Path) -> None:
    desks = list(WORDS)
    rows = [
        {"prompt": text, "chosen": label, "rejected": desks[(desks.index(label) + 1) % len(desks)]}
        for text, label in questions(each=20)
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    (tmp_path / "tunewright.yaml").write_text(SPEC.format(model=model))
    heard: list[Event] = []
    spec = Spec.read(tmp_path / "tunewright.yaml")
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
