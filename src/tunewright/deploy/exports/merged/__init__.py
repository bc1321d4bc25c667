"""The adapter merged into its base: one folder of safetensors that needs no adapter."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint
from tunewright.runtime import models
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, Chat
from tunewright.runtime.lazy import require
from tunewright.runtime.settings import Settings

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
BESIDE = (TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, "special_tokens_map.json")
"""Files that travel with the weights as they were frozen."""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Base and adapter in one folder, in float32; of a model that was tuned whole, its own weights."""

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Merge into `folder`, tokenizer and frozen template beside it."""
        adapter = None if checkpoint.tuner and models.whole(checkpoint) else checkpoint.path
        if adapter is not None:
            _check_adapter(adapter)
        base = models.weights_of(checkpoint, settings)
        _check_room(checkpoint, folder)
        require("peft", extra="train")
        merge = require("tunewright.deploy.exports.merged.merge", extra="train")
        merge.merge(base, adapter, folder)
        for name in BESIDE:
            home = checkpoint.path if (checkpoint.path / name).exists() else base
            if (home / name).exists():
                shutil.copyfile(home / name, folder / name)
        _check_template(checkpoint, folder)


def _check_adapter(folder: Path) -> None:
    for name in ADAPTER:
        if not (folder / name).exists():
            raise DeployError(
                f"the checkpoint has no `{name}`, so there is nothing to merge",
                where=str(folder),
                fix="release a tuned checkpoint; pickled adapters are refused",
            )


def _check_room(checkpoint: Checkpoint, folder: Path) -> None:
    needed, free = checkpoint.base.parameters * 4, shutil.disk_usage(folder).free
    if needed > free:
        raise DeployError(
            f"the merged model needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free",
            where=str(folder),
            fix="free space and run again; the checkpoint is kept",
        )


def _check_template(checkpoint: Checkpoint, folder: Path) -> None:
    found = Chat.load(folder).template_sha256
    if checkpoint.template_sha256 and found != checkpoint.template_sha256:
        raise DeployError(
            "the chat template is not the one that the checkpoint was trained with",
            where=str(folder / TEMPLATE),
            fix=f"restore the template with the digest {checkpoint.template_sha256[:12]}, or train again",
        )
