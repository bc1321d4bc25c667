"""Every export of ours keeps to its port."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.deploy.conftest import write_adapter

from tunewright.core.types import Checkpoint
from tunewright.deploy.exports.adapter import Adapter
from tunewright.deploy.exports.container import Container
from tunewright.deploy.exports.gguf import Gguf
from tunewright.deploy.exports.gguf_adapter import GgufAdapter
from tunewright.deploy.exports.merged import Merged
from tunewright.deploy.exports.ollama import Ollama
from tunewright.deploy.exports.vllm import Vllm
from tunewright.deploy.ports import Export
from tunewright.runtime import plugins
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.exports import ExportConformance

EVERY = (Adapter, Container, Gguf, GgufAdapter, Merged, Ollama, Vllm)


class TestExports(ExportConformance):
    @pytest.fixture(params=EVERY, ids=lambda one: one.__name__.lower(), autouse=True)
    def _one(self, request: pytest.FixtureRequest) -> None:
        self.kind = request.param

    @pytest.fixture(scope="class", autouse=True)
    def _made(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
        folder = tmp_path_factory.mktemp("export")
        base = tiny_checkpoint(folder / "base")
        adapter = write_adapter(base.path, folder / "adapter", scale=0.1)
        request.cls.made = base.model_copy(update={"path": adapter, "tuner": "lora"})

    def plugin(self) -> Export:
        return self.kind()

    def checkpoint(self, folder: Path) -> Checkpoint:
        copied = shutil.copytree(self.made.path, folder / "adapter", dirs_exist_ok=True)
        return self.made.model_copy(update={"path": copied})


def test_every_export_is_tried() -> None:
    assert len(plugins.names("exports")) == len(EVERY)
