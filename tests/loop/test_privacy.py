"""No value that was planted stands in what a run wrote: data, answers, curves, events, logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.planted import leaks, planted
from tunewright import Project
from tunewright.core.errors import TunewrightError

SPEC = """\
name: desks
model: {model}
define:
  objective: Route a question to the right desk.
  task: classification
data:
  sources: [desk.jsonl]
  columns: {{text: text, label: desk, group: customer}}
  transforms: [mask]
  skip_bad_lines: {skip}
train:
  epochs: 1
evaluate:
  latency_examples: 2
"""
DESKS = ("card", "loan", "login")


def written(folder: Path, model: Path, *, skip: bool) -> list[str]:
    """A project with 200 values in texts, groups, columns that are not used, and lines that are broken."""
    folder.mkdir()
    (folder / "tunewright.yaml").write_text(SPEC.format(model=model, skip=str(skip).lower()))
    values, lines = list[str](), list[str]()
    for number, (value, sentence) in enumerate(planted(200)):
        values.append(value)
        row = {
            "text": f"about case {number * 7919 % 997}",
            "desk": DESKS[number % 3],
            "customer": f"c-{number}",
        }
        row["customer"] = f"c-{number}"
        place = number // 16 % 5
        if place in (0, 1):
            row["text"] = f"{sentence} {row['text']} of {number * 31 % 89}"
        elif place == 2:
            row["customer"] = value
        elif place == 3:
            row["notes"] = sentence
        lines.append(json.dumps(row) if place < 4 else json.dumps(row)[:-1] + f' "{sentence}')
    (folder / "desk.jsonl").write_text("\n".join(lines) + "\n")
    return values


def everywhere(folder: Path, values: list[str]) -> list[str]:
    """The values that stand in any file of the project but the user's own two."""
    own = (folder / "desk.jsonl", folder / "tunewright.yaml")
    kept = [path.read_bytes() for path in own]
    for path in own:
        path.unlink()
    found = leaks(values, folder)
    for path, content in zip(own, kept, strict=True):
        path.write_bytes(content)
    return found


def test_of_200_values_none_stands_in_the_workspace_the_tracker_the_events_or_the_logs(
    tmp_path: Path, model: Path
) -> None:
    folder = tmp_path / "project"
    values = written(folder, model, skip=True)
    outcome = Project.open(folder).run()
    assert {"dataset", "checkpoint", "report"} <= set(outcome.artifacts())
    made = [path.name for path in folder.rglob("*") if path.is_file()]
    assert {"mlflow.db", "events.jsonl", "log.txt", "changes.json"} <= set(made)
    assert everywhere(folder, values) == []


def test_bad_lines_are_told_by_file_and_line_alone(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "project"
    values = written(folder, model, skip=False)
    with pytest.raises(TunewrightError) as caught:
        Project.open(folder).run(only="data")
    assert len(caught.value.problems) > 20
    said = json.dumps([problem.model_dump() for problem in caught.value.problems]).casefold()
    assert [value for value in values if value.casefold() in said] == []
    assert everywhere(folder, values) == []
