"""Labelling at the keyboard: lines from a pipe, single keys in a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.loop.conftest import questions
from tunewright.cli.app import app
from tunewright.core.errors import TunewrightError

SPEC = """\
name: desks
define:
  objective: Route a question to the right desk.
  task: {task}
data:
  sources: [data.csv]
"""
TRUTH = dict(questions(each=2))


def tunewright(*words: str, folder: Path, typed: str = "") -> Result:
    """The command in this process, with its input."""
    command = [*words[:2], "--project", str(folder), *words[2:]]
    return CliRunner().invoke(app, command, input=typed)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tunewright.yaml").write_text(SPEC.format(task="classification"))
    (tmp_path / "data.csv").write_text("text,label\n" + "".join(f"{text},\n" for text in TRUTH))
    labels = [word for name in ("card", "loan", "login") for word in ("--label", name)]
    made = tunewright("label", "guide", *labels, folder=tmp_path)
    assert (made.exit_code, made.stdout) == (0, f"{tmp_path / 'labelling.md'}\n")
    added = tunewright("label", "add", folder=tmp_path)
    assert (added.stdout, added.stderr) == ("6 examples added\n", "")
    return tmp_path


def answers(project: Path) -> list[tuple[str, str]]:
    tunewright("label", "export", str(project / "out.jsonl"), folder=project)
    rows = [json.loads(line) for line in (project / "out.jsonl").read_text().splitlines()]
    return [(row["text"], row["label"]) for row in rows]


def test_a_set_is_labelled_from_a_pipe_with_second_thoughts(project: Path) -> None:
    typed = "card\n2\nu\n1\nxyz\n?\nloan\ns\n! vague\nq\n"
    said = tunewright("label", "start", "--as", "ana", folder=project, typed=typed)
    assert said.exit_code == 0
    first = next(iter(TRUTH))
    assert said.stdout.startswith(f"\n{first}\n  1 card  2 loan  3 login\n")
    assert "Labelling guide" in said.stdout
    assert "no label has `xyz` in its name" in said.stderr
    assert "4 answered" in said.stderr
    status = tunewright("label", "status", folder=project)
    assert status.stdout == (
        "6 examples: single 3, open 2, unsure 1\n3 answers are still wanted\n"
        "  ana: 3 given, 1 unsure, 1 skipped\n       2  card\n       1  loan\n"
    )
    assert answers(project) == list(zip(list(TRUTH)[:3], ["card", "card", "loan"], strict=True))


def test_a_pipe_that_ends_is_no_mistake_and_the_next_time_goes_on(project: Path) -> None:
    assert tunewright("label", "start", "--as", "ana", folder=project, typed="1\n1").exit_code == 0
    said = tunewright("label", "start", "--as", "ana", folder=project, typed="3\n" * 9)
    assert "4 answered" in said.stderr and "nothing is left for you" in said.stderr


def test_two_people_are_compared_and_a_third_decides(project: Path) -> None:
    (project / "both.csv").write_text("text\nmy chip\nmy rate\nmy code\n")
    tunewright("label", "add", "both.csv", "--overlap", "1", folder=project)
    tunewright("label", "start", "--as", "ana", folder=project, typed="1\n" * 9)
    tunewright("label", "start", "--as", "ben", folder=project, typed="1\n2\n3\n")
    found = tunewright("label", "agreement", "--json", folder=project)
    assert json.loads(found.stdout)["pairs"][0]["same"] == 1
    said = tunewright("label", "adjudicate", "--as", "cleo", folder=project, typed="loan\n\n")
    assert "  ana: card\n  ben: loan\n" in said.stdout and "suggestion: " in said.stdout
    assert "no dispute is left" in said.stderr
    assert dict(answers(project))["my rate"] == "loan"


def test_written_answers_take_several_lines(tmp_path: Path) -> None:
    (tmp_path / "tunewright.yaml").write_text(SPEC.format(task="summarisation"))
    (tmp_path / "long.jsonl").write_text(
        '{"prompt": "a long text", "completion": "a draft"}\n{"prompt": "b"}\n'
    )
    tunewright("label", "add", "long.jsonl", folder=tmp_path)
    said = tunewright("label", "start", "--as", "ana", folder=tmp_path, typed="\nfirst\\\nsecond\n")
    assert "suggestion: a draft" in said.stdout
    tunewright("label", "export", str(tmp_path / "out.jsonl"), folder=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["completion"] for row in rows] == ["a draft", "first\nsecond"]


def test_a_source_is_added_with_its_options_as_in_the_spec(project: Path) -> None:
    (project / "tickets.csv").write_text(
        "ticket_id,role,text,created_at\n1,customer,it burns,1772359200\n1,agent,run,1772359300\n"
    )
    added = tunewright("label", "add", "threads: {path: tickets.csv}", folder=project)
    assert (added.exit_code, added.stdout) == (0, "1 examples added\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "nowhere.csv"), "cannot be read"),
        (("export", "out.jsonl"), "nobody has answered"),
        (("import", "nowhere.json"), "cannot be read"),
        (("import", "PROJECT/tunewright.yaml"), "no file of tasks"),
        (("agreement", "--scale", "nominl"), "did you mean `nominal`?"),
        (("start", "--as", "ana", "--order", "activ"), "did you mean `active`?"),
        (("suggest", "--by", "{echo: {answer: 1}}"), "did you mean `answers`?"),
        (("suggest", "--by", "{echo: "), "names no engine"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(project: Path, words: tuple[str, ...], told: str) -> None:
    said = tunewright("label", *(one.replace("PROJECT", str(project)) for one in words), folder=project)
    assert isinstance(said.exception, TunewrightError)
    assert told in " ".join(f"{one.what} {one.fix}" for one in said.exception.problems)
    assert all(one.where and one.fix for one in said.exception.problems)


def test_in_a_terminal_one_key_is_an_answer(project: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tunewright", "label", "start", "--as", "ana"]
    one = subprocess.Popen(command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    seen = ""
    for key in ("1", "3", "u", "u", "2", "!", "no idea\n", "q"):
        seen += until(ours, ": " if len(key) > 1 else "> ")
        os.write(ours, key.encode())
    seen += until(ours, "answered")
    assert one.wait(timeout=20) == 0
    assert seen.endswith("3 answered") and "1 card  2 loan  3 login" in seen
    assert [label for _, label in answers(project)] == ["loan"]
    assert "1 unsure" in tunewright("label", "status", folder=project).stdout


def until(handle: int, mark: str) -> str:
    """What the terminal shows up to the mark, and not further."""
    text = b""
    while not text.endswith(mark.encode()) and select.select([handle], [], [], 20)[0]:
        text += os.read(handle, 1)
    return text.decode()
