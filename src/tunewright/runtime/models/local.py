"""A model that lies in a folder: what it is."""

from __future__ import annotations

import re
from pathlib import Path

from tunewright.core import digest
from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint, ModelRef
from tunewright.runtime.chat import TOKENIZER, TOKENIZER_SETTINGS
from tunewright.runtime.models.checks import check
from tunewright.runtime.models.files import CONFIG, parameters, read_object, template, weight_files

GENERATION = "generation_config.json"


def local_checkpoint(folder: Path, ref: ModelRef | None = None) -> Checkpoint:
    """The checkpoint of the untouched model in `folder`; raises `ModelError` with all that is wrong.

    `ref` is what a catalogue or the hub knows of it; without one, it is named by its path.
    """
    folder = folder.resolve()
    problems = tuple(check(folder))
    if problems:
        raise ModelError(problems=problems)
    found = ref or describe(folder, name=str(folder))
    said = template(folder)
    content = digest.of_value([found.sha256, digest.of_text(said), _beside(folder)])
    short = re.sub(r"[^a-z0-9.]+", "-", Path(found.name).name.lower()).strip("-") or "model"
    return Checkpoint(
        id=f"base-{short}-{content[:12]}",
        path=folder,
        digest=content,
        base=found,
        template_sha256=digest.of_text(said),
    )


def describe(folder: Path, *, name: str, revision: str = "", licence: str = "") -> ModelRef:
    """Content digest, architecture, parameters and context of the model in `folder`."""
    config = read_object(folder / CONFIG)
    sha256 = weights_sha256(folder)
    return ModelRef(
        name=name,
        revision=revision or sha256[:12],
        sha256=sha256,
        architecture=next(iter(config.get("architectures") or ()), ""),
        parameters=sum(parameters(path) for path in weight_files(folder)),
        context=int(config.get("max_position_embeddings") or 0),
        licence=licence,
    )


def weights_sha256(folder: Path) -> str:
    """Digest over the weights: the file's own if there is one, else over the digests of all."""
    found = [digest.of_file(path) for path in weight_files(folder)]
    return found[0] if len(found) == 1 else digest.of_value(found)


def _beside(folder: Path) -> dict[str, str]:
    """Digests of the files beside the weights that decide what is read, computed and answered."""
    names = (CONFIG, GENERATION, TOKENIZER, TOKENIZER_SETTINGS)
    return {name: digest.of_file(path) for name in names if (path := folder / name).exists()}
