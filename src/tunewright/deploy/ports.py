"""The port of the stage: a form that a checkpoint is packed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from tunewright.core.types import Checkpoint, Problem
from tunewright.runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Made:
    """What is to be packed, as far as it is known: before a training by the spec, after it by its files."""

    kind: str = ""
    """Of the adapter: name of its tuner, such as `dora`; empty where that is not known."""
    whole: bool = False
    """Every weight was tuned, and there is no adapter."""
    apart: str = ""
    """Why the adapter cannot be merged; empty where it can."""
    saved: tuple[str, ...] = ()
    """Modules of the base that were trained and are kept whole beside the adapter."""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The base model's `config.json`; empty where it is not at hand."""
    base: Path | None = None
    """Folder of the base model, where it is at hand."""


FLOAT32 = 1e-4
"""Two tokens whose probabilities differ by less are a tie: float32 decides it by rounding."""
FLOAT16 = 5e-3
"""The same where weights and sums are held in 11 bits (LAB.md)."""


class Export(Protocol):
    """A plug-in of the group `exports`: its fields are its options."""

    merges: ClassVar[bool]
    """Whether the packed form is a whole model; else an adapter that needs its base."""
    engine: ClassVar[str]
    """Engine that answers from the packed form, the nearest to what it is meant for that runs here."""

    @property
    def rounding(self) -> float | None:
        """How far its number format alone moves a probability: answers may part where two are closer.

        None of a form in few bits, whose answers are measured by the metric of the task instead.
        """
        ...

    def refuses(self, made: Made) -> Iterator[Problem]:
        """What of this it cannot carry, with the nearest way; nothing is read but what is told."""
        ...

    def pack(self, checkpoint: Checkpoint, folder: Path, settings: Settings) -> None:
        """Write the checkpoint in this form into the empty `folder`; raises `DeployError`."""
        ...
