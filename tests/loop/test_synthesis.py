"""Synthetic examples in a project: made by a command, read by the data stage, tagged for good."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loop.conftest import write_project
from tunewright import Project
from tunewright.core.errors import DataError
from tunewright.core.types import SPLITS
from tunewright.runtime import examples


def told(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tunewright", *words, "--project", str(folder)]
    return subprocess.run(command, capture_output=True, text=True)


def test_synthetic_examples_are_made_read_and_tagged(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "desks", model)
    with pytest.raises(DataError, match="no data set yet"):
        Project.open(folder).synthesise("noise")
    first = Project.open(folder).run(only="data").dataset
    assert first is not None

    done = told(folder, "synthesise", "noise", "--number", "12", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["made"] == 12
    again = told(folder, "synthesise", "noise", "--number", "12")
    assert "12 were put there earlier" in again.stdout

    sources = '["data.csv", "data/synthetic.jsonl"]'
    outcome = Project.open(folder, settings=(f"data.sources={sources}",)).run(only="data")
    assert outcome.dataset is not None
    found = {split: examples.read(outcome.dataset, split) for split in SPLITS}
    made = [one for one in found["train"] if "synthetic" in one.tags]
    assert not [one for split in ("validation", "test") for one in found[split] if "synthetic" in one.tags]
    assert made and all("teacher:noise" in one.tags and one.label for one in made)
    assert all("synthetic" not in one.tags for one in found["train"] if one.source.startswith("data.csv"))


def test_a_local_model_is_a_teacher_too_and_what_is_wrong_is_told_without_a_traceback(
    tmp_path: Path, model: Path
) -> None:
    folder = write_project(tmp_path / "desks", model)
    (folder / "asked.jsonl").write_text('{"question": "my card is gone"}\n')
    Project.open(folder).run(only="data")
    teacher = {"teacher": "transformers", "model": str(model)}
    made = Project.open(folder).synthesise("answers", source="asked.jsonl", **teacher)
    assert (made.asked, made.made) == (1, 1)
    row = json.loads((folder / "data" / "synthetic.jsonl").read_text())
    assert row["label"] in ("card", "loan", "login")
    assert row["provenance"]["model"] == str(model) and row["provenance"]["revision"]
    done = told(folder, "synthesise", "pairs", "--teacher", "{openai: {}", "--option", "each=[")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 2
