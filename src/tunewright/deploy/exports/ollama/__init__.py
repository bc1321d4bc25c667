"""A Modelfile for Ollama with its GGUF: template, system message and stop tokens as they were trained."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy import gguf as layout
from tunewright.deploy.exports.gguf import Gguf
from tunewright.deploy.exports.ollama.template import Turns, found_out
from tunewright.deploy.exports.ollama.template import read as read_template
from tunewright.deploy.ports import Made
from tunewright.runtime.chat import Chat
from tunewright.runtime.engines.frozen import ends
from tunewright.runtime.models import gguf
from tunewright.runtime.settings import Settings

MODELFILE = "Modelfile"


@dataclass(frozen=True, kw_only=True)
class Ollama:
    """One GGUF file and the Modelfile that `ollama create NAME -f Modelfile` takes."""

    merges: ClassVar[bool] = True
    engine: ClassVar[str] = "llamacpp"

    type: layout.Type = "q8_0"
    """Number format of the weights, as with `gguf`."""

    @property
    def rounding(self) -> float | None:
        """That of the GGUF file."""
        return Gguf(type=self.type).rounding

    def refuses(self, made: Made) -> Iterator[Problem]:
        """What a GGUF cannot carry, and templates that do more than stand around turns."""
        yield from Gguf(type=self.type).refuses(made)
        if made.base is not None and found_out(Chat.load(made.base)) is None:
            yield _refused(made.base)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write `model.gguf` and `Modelfile` into `folder`, tokenizer and frozen template beside them."""
        if '"""' in (checkpoint.instruction or ""):
            what = 'the system message holds `"""`, which ends a text in a Modelfile'
            fix = "write it otherwise and train again, or set `deploy.export: gguf`"
            raise DeployError(what, where="define.instruction", fix=fix)
        Gguf(type=self.type).pack(checkpoint, folder, settings)
        chat = Chat.load(folder)
        turns = found_out(chat)
        if turns is None:
            raise DeployError(problems=[_refused(folder)])
        stops = [str(chat.tokenizer.id_to_token(one)) for one in ends(folder, chat)]
        context = gguf.read(folder / gguf.MODEL).size("context_length")
        text = written(turns, checkpoint.instruction, stops, context)
        (folder / MODELFILE).write_text(text, encoding="utf-8")


def written(turns: Turns, instruction: str | None, stops: list[str], context: int) -> str:
    """The Modelfile."""
    lines = [f"FROM ./{gguf.MODEL}", f'TEMPLATE """{turns.go()}"""']
    if instruction:
        lines.append(f'SYSTEM """{instruction}"""')
    lines += [f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}" for stop in stops]
    lines += [f"PARAMETER num_ctx {context}", "PARAMETER temperature 0"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Modelfile:
    """What a Modelfile says."""

    turns: Turns | None
    system: str | None
    stops: tuple[str, ...]


def read(path: Path) -> Modelfile:
    """Read a Modelfile again, as far as it decides what a model is asked."""
    text = path.read_text(encoding="utf-8")
    template = re.search(r'^TEMPLATE """(.*?)"""$', text, re.M | re.S)
    system = re.search(r'^SYSTEM """(.*?)"""$', text, re.M | re.S)
    stops = tuple(json.loads(one) for one in re.findall(r"^PARAMETER stop (\".*\")$", text, re.M))
    turns = read_template(template[1]) if template else None
    return Modelfile(turns, system[1] if system else None, stops)


def _refused(where: Path) -> Problem:
    return Problem(
        where=str(where),
        what="the chat template does more than stand around turns, which Ollama's language does not say",
        fix="set `deploy.export: gguf` and serve it with `tunewright serve`",
    )
