"""The commands as a user meets them: what they print, where, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from tests.loop.conftest import questions
from tunewright.core.types import Dataset, Problem
from tunewright.testing.checkpoint import tiny_model

SPEC = """\
name: desks
model: tiny
define:
  objective: Route a question to the right desk.
  task: classification
  targets:
    - {metric: accuracy, at_least: 0.9}
data:
  sources: [data.csv]
"""
COMMANDS = ("new", "check", "run", "stop", "resume", "show", "compare", "machine", "serve", "chat", "answer")


def tunewright(*words: str, folder: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tunewright", *words],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a folder with a blank and an umlaut, its data already frozen."""
    folder = write(tmp_path_factory.mktemp("cli") / "mein büro")
    made = tunewright("run", "--only", "data", "--project", str(folder), folder=folder.parent)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("examples: train ")
    assert "labels: 3 (card, loan, login)" in made.stdout
    return folder


def write(folder: Path, spec: str = SPEC) -> Path:
    folder.mkdir(parents=True)
    (folder / "tunewright.yaml").write_text(spec, encoding="utf-8")
    lines = "".join(f"{text},{label}\n" for text, label in questions(each=20))
    (folder / "data.csv").write_text("text,label\n" + lines, encoding="utf-8")
    tiny_model(folder / "tiny")
    return folder


def test_help_names_every_command(tmp_path: Path) -> None:
    said = tunewright("--help", folder=tmp_path)
    assert said.returncode == 0
    assert all(f"\n  {name} " in said.stdout for name in COMMANDS)


def test_an_unknown_command_or_option_ends_with_2(tmp_path: Path) -> None:
    assert tunewright("trian", folder=tmp_path).returncode == 2
    said = tunewright("run", "--olny", "data", folder=tmp_path)
    assert said.returncode == 2
    assert "--only" in said.stderr


def test_a_folder_without_a_spec_says_how_to_make_one(tmp_path: Path) -> None:
    said = tunewright("check", folder=tmp_path)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == (
        f"error: there is no spec here\n  at {tmp_path / 'tunewright.yaml'}\n\n"
        "hint: make one with `tunewright new`\n"
    )


def test_check_says_everything_with_place_and_remedy(tmp_path: Path) -> None:
    spec = SPEC.replace("data.csv", "dato.csv").replace("at_least: 0.9", "at_least: 90")
    folder = write(tmp_path / "p", spec + "train: {tuner: lroa, method: {sft: {answer: 1}}}\n")
    said = tunewright("check", folder=folder)
    assert said.returncode == 2
    assert said.stderr.count("error: ") == said.stderr.count("  at ") == said.stderr.count("hint: ") == 4
    assert "error: there is no file `dato.csv`\n  at data.sources[0]\n\nhint: did you mean `data.csv`?" in (
        said.stderr
    )
    assert "error: unknown tuner `lroa`\n  at train.tuner\n\nhint: did you mean `lora`?" in said.stderr
    assert "hint: did you mean `answers`?" in said.stderr
    assert "hint: write 0.9 for 90 %" in said.stderr


@pytest.mark.parametrize("spoilt", ["train: {epoch: 1}\n", "train: {tuner: lroa}\n"])
def test_check_as_json_gives_problems_whatever_is_wrong(tmp_path: Path, spoilt: str) -> None:
    said = tunewright("check", "--json", folder=write(tmp_path / "p", SPEC + spoilt))
    problems = TypeAdapter(tuple[Problem, ...]).validate_json(said.stdout)
    assert said.returncode == 2
    assert problems[0].fix.startswith("did you mean")


def test_a_mistake_in_every_line_is_told_once_with_the_first_places(project: Path) -> None:
    text = "text,label\n" + "".join(f"für {text},{label}\n" for text, label in questions(each=5))
    (project / "latin.csv").write_text(text, encoding="latin-1")
    said = tunewright("run", "--only", "data", "--set", "data.sources=latin.csv", folder=project)
    assert said.returncode == 2
    assert said.stderr.count("error: ") == 1
    assert "  at latin.csv line 6\n  and at 10 places more\n" in said.stderr


def test_a_starter_makes_a_project_that_is_clean(tmp_path: Path) -> None:
    made = tunewright("new", "my desk", "--starter", "ticket-routing", folder=tmp_path)
    assert made.returncode == 0
    assert "next: cd 'my desk' && tunewright check" in made.stderr
    assert tunewright("check", "--project", "my desk", folder=tmp_path).returncode == 0


def test_new_asks_and_writes_what_was_answered(tmp_path: Path) -> None:
    typed = "Route a question to the right desk\n\nquestions.csv\n0.8\n"
    made = tunewright("new", "asked", folder=tmp_path, typed=typed)
    assert made.returncode == 0
    written = (tmp_path / "asked" / "tunewright.yaml").read_text()
    assert "metric: accuracy\n    at_least: 0.8" in written
    assert "- questions.csv" in written


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("a",), "Route a question\n", "the questions were not answered to the end"),
        (("a",), "Route a question\nclasification\n", "did you mean `classification`?"),
        (("a", "--starter", "tickets-routing"), "", "did you mean `ticket-routing`?"),
        (("file", "--starter", "ticket-routing"), "", "a file stands where a folder must be"),
        (("file/a", "--starter", "ticket-routing"), "", "a file stands where a folder must be"),
    ],
)
def test_new_makes_nothing_of_a_mistake(
    tmp_path: Path, words: tuple[str, ...], typed: str, said: str
) -> None:
    (tmp_path / "file").touch()
    made = tunewright("new", *words, folder=tmp_path, typed=typed)
    assert made.returncode == 2
    assert said in made.stderr
    assert "Traceback" not in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_show_as_json_gives_the_type_itself(project: Path) -> None:
    preview = json.loads(tunewright("show", "preview", "--json", folder=project).stdout)
    assert [token["text"] for token in preview["tokens"] if token["stop"]] == ["<|im_end|>"]
    said = tunewright("show", "dataset", "--json", folder=project)
    dataset = Dataset.model_validate_json(said.stdout)
    assert sum(dataset.counts.values()) == 60
    (run,) = json.loads(tunewright("show", "runs", "--json", folder=project).stdout)[:1]
    assert (run["status"], run["only"]) == ("finished", "data")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show",), "`tunewright run` makes it"),
        (("show", "reprot"), "did you mean `report`?"),
        (("run", "--only", "dta"), "did you mean `data`?"),
        (("run", "--set", "trian.epochs=1"), "did you mean `train`?"),
        (("run", "--set", "train.epochs=.inf"), "`epochs` is: how often"),
        (("compare", "a", "b"), "known: none"),
        (("models", "show", "smollm2-135m"), "did you mean `smollm2-135m-instruct`?"),
        (("answer", "data.csv"), "`tunewright run` makes it"),
        (("stop",), "`tunewright run` starts one"),
    ],
)
def test_a_mistake_ends_with_2_and_a_hint(project: Path, words: tuple[str, ...], hint: str) -> None:
    said = tunewright(*words, folder=project)
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr.startswith("error: ")
    assert hint in said.stderr
    assert "Traceback" not in said.stderr


def test_a_corrected_label_is_shown_between_two_data_sets(tmp_path: Path) -> None:
    folder = write(tmp_path / "corrected")
    alone = tunewright("data", "diff", folder=folder)
    assert alone.returncode == 2
    assert "not two data sets" in alone.stderr
    made = tunewright("data", folder=folder)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("examples: train ")
    head, first, *rest = (folder / "data.csv").read_text().splitlines()
    text, label = first.rsplit(",", 1)
    other = "loan" if label == "card" else "card"
    (folder / "data.csv").write_text("\n".join([head, f"{text},{other}", *rest]) + "\n")
    again = tunewright("data", folder=folder)
    assert again.returncode == 0, again.stderr
    assert tunewright("data", "versions", folder=folder).stdout.count("dataset-") == 2
    told = tunewright("data", "diff", folder=folder).stdout
    assert f"[{label} → {other}]" in told
    assert tunewright("data", "card", folder=folder).stdout.startswith("# Data card")
    assert "dataset-" in tunewright("lineage", folder=folder).stdout


def test_control_characters_of_the_data_are_shown_and_not_obeyed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,label\n"a \x1b[2J\x07 b",x\n', encoding="utf-8")
    said = tunewright("look", "a.csv", folder=tmp_path)
    assert "\x1b" not in said.stdout and "\x07" not in said.stdout
    assert "user: a ␛[2J␇ b" in said.stdout


def test_places_are_listed_once_where_the_texts_of_a_change_are_not_kept(tmp_path: Path) -> None:
    folder = write(tmp_path / "masked", SPEC + "  transforms: [unicode, mask]\n")
    (folder / "data.csv").open("a", encoding="utf-8").write("is there a cafÃ© in the bank,loan\n")
    assert tunewright("data", folder=folder).returncode == 0
    told = tunewright("show", "changes", folder=folder).stdout
    assert "the texts are not kept" in told and "(not kept)" not in told


def test_where_duplicates_leave_too_few_examples_it_is_said_so(tmp_path: Path) -> None:
    folder = write(tmp_path / "same")
    (folder / "data.csv").write_text("text,label\n" + "where is my card,card\n" * 30, encoding="utf-8")
    said = tunewright("data", folder=folder)
    assert said.returncode == 2
    assert "1 example is too few to train and to judge, after 29 duplicates were taken out" in said.stderr
