"""A small real project: three desks, sixty questions, a random tiny model."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tunewright.testing.checkpoint import tiny_model

WORDS = {
    "card": ("card", "plastic", "chip", "lost", "swallowed", "expired"),
    "loan": ("loan", "rate", "mortgage", "interest", "repay", "borrow"),
    "login": ("password", "login", "code", "locked", "reset", "account"),
}
SPEC = """\
name: desks
model: {model}
define:
  objective: Route a question to the right desk.
  task: classification
  targets:
    - {{metric: accuracy, at_least: 0.9}}
data:
  sources: [data.csv]
train:
  epochs: 1
evaluate:
  latency_examples: 2
deploy:
  parity_served: false  # a server of its own takes seconds; tests/deploy asks one
"""


def questions(seed: int = 0, each: int = 40) -> list[tuple[str, str]]:
    chance = random.Random(seed)
    found = []
    for label, words in WORDS.items():
        for number in range(each):
            picked = " ".join(chance.sample(words, 3))
            found.append((f"about my {picked} please number {number * 7919 % 997}", label))
    chance.shuffle(found)
    return found


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A project whose line was walked once, in a child process."""
    folder = write_project(tmp_path_factory.mktemp("walked"), model)
    from tunewright import Project

    Project.open(folder).run()
    return folder


def write_project(folder: Path, model: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tunewright.yaml").write_text(SPEC.format(model=model))
    lines = "".join(f"{text},{label}\n" for text, label in questions())
    (folder / "data.csv").write_text("text,label\n" + lines)
    return folder
