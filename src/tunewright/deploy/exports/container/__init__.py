"""A folder that is built into a container: the model, a container file, what the server is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import ClassVar

from tunewright.core.types import Checkpoint, Problem
from tunewright.deploy import gguf as layout
from tunewright.deploy.exports.gguf import Gguf
from tunewright.deploy.ports import Made
from tunewright.deploy.serving import SERVING, Serving, write
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

FILE = "Containerfile"
_TEXT = """\
# Build: docker build -f {file} -t specialist .    Run: docker run -p 127.0.0.1:8000:8000 specialist
FROM python:{python}-slim
ARG TUNEWRIGHT="tunewright[serve,llamacpp]=={version}"
RUN pip install --no-cache-dir "$TUNEWRIGHT" && useradd --create-home specialist
COPY --chown=specialist . /model
USER specialist
ENV TUNEWRIGHT_OFFLINE=1
EXPOSE 8000
ENTRYPOINT ["python", "-m", "tunewright.server", "--packed", "/model/{serving}", "--host", "0.0.0.0"]
"""


@dataclass(frozen=True, kw_only=True)
class Container:
    """The model as GGUF with a `Containerfile` for the server of tunewright; no torch inside."""

    merges: ClassVar[bool] = True
    engine: ClassVar[str] = "llamacpp"

    type: layout.Type = "q8_0"
    """Number format of the weights, as with `gguf`."""
    python: str = "3.12"
    """Version of Python inside."""

    @property
    def rounding(self) -> float | None:
        """That of the GGUF file."""
        return Gguf(type=self.type).rounding

    def refuses(self, made: Made) -> Iterator[Problem]:
        """What a GGUF cannot carry."""
        yield from Gguf(type=self.type).refuses(made)

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write `model.gguf`, `Containerfile` and what the server is told into `folder`."""
        Gguf(type=self.type).pack(checkpoint, folder, settings)
        inside = checkpoint.model_copy(update={"path": Path(), "tuner": None})
        write(Serving(name="specialist", checkpoint=inside, engine=Named(name=self.engine)), folder / SERVING)
        text = _TEXT.format(
            file=FILE, python=self.python, version=metadata.version("tunewright"), serving=SERVING
        )
        (folder / FILE).write_text(text, encoding="utf-8")
