"""The data half is the base: it works where none of the extras is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.loop.conftest import write_project

BARRED = ("torch", "transformers", "accelerate", "peft", "mlflow", "fastapi", "datasets", "gguf", "trl")
WALK = """
import sys
class Barred:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {barred!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Barred())
from tunewright.loop.line import walk
from tunewright.loop.project import Project
project = Project.open({folder!r})
assert not [one for one in project.check() if one.fatal], project.check()
print(walk(project.folder, project.spec, only="data").dataset.counts["train"])
"""


def test_the_data_set_is_made_without_any_extra(tmp_path: Path) -> None:
    folder = write_project(tmp_path / "project", Path("smollm2-135m-instruct"))
    code = WALK.format(barred=BARRED, folder=str(folder))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0
