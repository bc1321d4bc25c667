"""Execute the notebook beside this file, and keep what it printed: `python examples/notebook/execute.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("four-desks.ipynb")


def execute(change: Callable[[str], str] = str) -> Any:  # noqa: ANN401 - a notebook
    """The notebook with what its cells print; `change` is made to every code cell before."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = change(cell.source)
    place = {"metadata": {"path": str(NOTEBOOK.parent)}}
    patient = {"startup_timeout": 300, "timeout": 1800}
    NotebookClient(notebook, record_timing=False, resources=place, **patient).execute()
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:  # what libraries warn of names paths of this machine
        if "outputs" in cell:
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    return notebook


if __name__ == "__main__":
    nbformat.write(execute(), NOTEBOOK)  # type: ignore[no-untyped-call]
