"""A folder that vLLM serves, with the command that starts it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy.exports.merged import Dtype, Merged
from tunewright.deploy.ports import Made
from tunewright.runtime.chat import TEMPLATE, Chat
from tunewright.runtime.engines.frozen import ends
from tunewright.runtime.models.files import CONFIG, read_object
from tunewright.runtime.models.local import GENERATION
from tunewright.runtime.settings import Settings

COMMAND = "serve.sh"


@dataclass(frozen=True, kw_only=True)
class Vllm:
    """The merged model as vLLM reads it, and `serve.sh`; here transformers opens it."""

    merges: ClassVar[bool] = True
    engine: ClassVar[str] = "transformers"

    dtype: Dtype = "float32"
    """Number format of the weights and of vLLM's sums; those of 16 bits are measured."""

    @property
    def rounding(self) -> float | None:
        """That of the merged model."""
        return Merged(dtype=self.dtype).rounding

    def refuses(self, made: Made) -> Iterator[Problem]:
        """What cannot be added to the base's weights: vLLM knows LoRA and no other adapter."""
        yield from Merged(dtype=self.dtype).refuses(made)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write the model into `folder`, tokenizer, frozen template and `serve.sh` beside it."""
        Merged(dtype=self.dtype).pack(checkpoint, folder, settings)
        told = read_object(folder / GENERATION)
        told["eos_token_id"] = list(ends(folder, Chat.load(folder)))
        told.pop("temperature", None)
        (folder / GENERATION).write_text(
            json.dumps({**told, "do_sample": False}, indent=1) + "\n", encoding="utf-8"
        )
        context = int(read_object(folder / CONFIG)["max_position_embeddings"])
        path = folder / COMMAND
        path.write_text(command(self.dtype, context), encoding="utf-8")
        path.chmod(0o755)


def command(dtype: str, context: int) -> str:
    """The script that serves its own folder; further words of its call go to vLLM."""
    options = ["--dtype", dtype, "--max-model-len", str(context), "--generation-config", "auto"]
    lines = (
        "#!/bin/sh",
        "# Serves this folder with vLLM behind an OpenAI-compatible address: ./serve.sh --port 8001",
        'here=$(cd "$(dirname "$0")" && pwd)',
        f'exec vllm serve "$here" --served-model-name specialist --chat-template "$here/{TEMPLATE}" '
        + " ".join(map(shlex.quote, options))
        + ' "$@"',
    )
    return "\n".join(lines) + "\n"
