"""The documents cannot lie: their code runs, their commands exist, their specs are valid."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from tunewright.cli.app import app
from tunewright.loop.spec import Spec
from tunewright.testing.checkpoint import tiny_model

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("examples/*/README.md")),
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(language: str) -> Iterator[object]:
    for page in PAGES:
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            if kind == language:
                yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")


def commands(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        words = line.removeprefix("$ ").split("#")[0].split()
        if words[:1] == ["tunewright"] or words[:1] == [".venv/bin/tunewright"]:
            yield words[1:]


@pytest.mark.parametrize("text", list(blocks("console")))
def test_every_command_in_the_documents_exists_with_its_options(text: str) -> None:
    for words in commands(text):
        command = typer.main.get_command(app)
        while words and getattr(command, "commands", None) is not None and not words[0].startswith("-"):
            assert words[0] in command.commands, f"no command `{words[0]}`"
            command, words = command.commands[words[0]], words[1:]
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word.split("=")[0] for word in words if word.startswith("-") and word != "-"} <= known, words


@pytest.mark.parametrize("text", list(blocks("yaml")))
def test_every_spec_in_the_documents_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "tunewright.yaml"
    path.write_text(text)
    Spec.read(path)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ticket-routing starter, cut small, on a random tiny model: quick enough for every block."""
    folder = tmp_path_factory.mktemp("docs")
    source = ROOT / "examples" / "ticket-routing"
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".tunewright"))
    model = tiny_model(folder / "model")
    spec = (folder / "tunewright.yaml").read_text()
    (folder / "tunewright.yaml").write_text(spec.replace("smollm2-135m-instruct", str(model)))
    for name, kept in (("train", 20), ("test", 10)):
        path = folder / "data" / f"{name}.csv"
        head, *lines = path.read_text().splitlines()
        by_label: dict[str, list[str]] = {}
        for line in lines:
            by_label.setdefault(line.rsplit(",", 1)[1], []).append(line)
        few = [line for found in list(by_label.values())[:3] for line in found[:kept]]
        path.write_text("\n".join([head, *few]) + "\n")
    return folder


@pytest.mark.parametrize("text", list(blocks("python")))
def test_every_python_block_in_the_documents_runs(text: str, project: Path) -> None:
    done = subprocess.run([sys.executable, "-c", text], cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_generated_reference_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
