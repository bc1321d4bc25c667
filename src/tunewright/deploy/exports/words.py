"""What every export carries beside the weights, the words as frozen, and what it refuses before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy.ports import Made
from tunewright.runtime import adapters, models
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, Chat
from tunewright.runtime.models.local import GENERATION

WORDS = (TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, "special_tokens_map.json", GENERATION)
"""Files that say how words become tokens, how a conversation is written, and what ends an answer."""


def copy_words(checkpoint: Checkpoint, base: Path, folder: Path) -> None:
    """Tokenizer and template as they were frozen; raises `DeployError` where the template has changed."""
    for name in WORDS:
        home = checkpoint.path if (checkpoint.path / name).exists() else base
        if (home / name).exists():
            shutil.copyfile(home / name, folder / name)
    found = Chat.load(folder).template_sha256
    if checkpoint.template_sha256 and found != checkpoint.template_sha256:
        raise DeployError(
            "the chat template is not the one that the checkpoint was trained with",
            where=str(folder / TEMPLATE),
            fix=f"restore the template with the digest {checkpoint.template_sha256[:12]}, or train again",
        )


def refuse_apart(made: Made) -> Iterator[Problem]:
    """An adapter that no matrix of the base can take up."""
    if made.apart:
        named = f"an adapter of `{made.kind}`" if made.kind else "the adapter"
        what = f"{named} cannot be merged: {made.apart}"
        yield Problem(
            where="deploy.export", what=what, fix="leave `deploy.export` out, or set it to `adapter`"
        )


def refuse_damaged(adapter: Path, verb: str) -> None:
    """Raise `DeployError` unless the folder holds an adapter that is whole; `verb` is what it is for."""
    if (adapter / models.CONFIG).exists():
        raise DeployError(
            f"this is a whole model and no adapter, so there is nothing to {verb}",
            where=str(adapter),
            fix="release a checkpoint whose tuner makes an adapter, or set `deploy.export: merged`",
        )
    problems = tuple(adapters.check(adapter))
    if problems:
        raise DeployError(problems=problems)
