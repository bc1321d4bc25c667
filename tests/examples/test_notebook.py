"""The notebook among the examples runs from its first cell to its last, on a tiny model."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from tunewright.testing.checkpoint import tiny_model

FOLDER = Path(__file__).parents[2] / "examples" / "notebook"


@pytest.fixture
def executor() -> ModuleType:
    spec = importlib.util.spec_from_file_location("execute_notebook", FOLDER / "execute.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return "\n".join(output.get("text", "") + str(output.get("data", "")) for output in outputs)


def test_the_notebook_runs_from_its_first_cell_to_its_last(executor: ModuleType, tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model", context=4096)

    def smaller(source: str) -> str:
        small = source.replace("smollm2-135m-instruct", str(model)).replace("epochs: 4", "epochs: 1")
        return small.replace('"train.csv", 30', '"train.csv", 8').replace('"test.csv", 25', '"test.csv", 4')

    said = printed(executor.execute(smaller))
    assert "32 to learn from, 16 to test with" in said
    for word in ("tuned ", "classical ", "zero-shot ", "few-shot ", "verdict:"):
        assert word in said


def test_the_notebook_was_executed_and_shows_no_machine() -> None:
    notebook = nbformat.read(FOLDER / "four-desks.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert "verdict:" in printed(notebook)
    assert not re.search(r"/(home|root|tmp|work|Users)/", printed(notebook))
