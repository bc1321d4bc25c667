"""The tiny model as a GGUF release is packed: one file, its words beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.core.types import Checkpoint
from tunewright.deploy.exports.gguf import carry
from tunewright.testing.checkpoint import tiny_checkpoint


def packed(folder: Path) -> Checkpoint:
    """The tiny model in float32, as llama.cpp answers from it."""
    tiny = tiny_checkpoint(folder / "tiny")
    home = folder / "packed"
    home.mkdir(exist_ok=True)
    carry(tiny.path, home, "f32")
    return tiny.model_copy(update={"path": home})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Packed once."""
    return packed(tmp_path_factory.mktemp("llamacpp"))
