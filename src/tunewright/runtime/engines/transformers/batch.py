"""Answers that are decoded together, one step at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tunewright.core.errors import EngineError
from tunewright.core.types import Delta
from tunewright.runtime.engines.transformers.answers import Answer, Scores
from tunewright.runtime.engines.transformers.network import Network
from tunewright.runtime.engines.transformers.prefixes import Pairs, Prefixes

Told = Delta | EngineError
CROWDED = 0.875
"""Share of rows that must still be answering; below it the others are cut out of the memory."""


@dataclass(eq=False)
class Row:
    """One answer's place in a batch."""

    answer: Answer
    prompt: Sequence[int]
    longest: int = 0
    """Tokens the answer may have."""
    cancelled: bool = False
    position: int = 0

    @property
    def live(self) -> bool:
        """Whether there is more to come."""
        return not (self.answer.finished or self.cancelled)


@dataclass
class Batch:
    """Rows that share a beginning of `shared` tokens."""

    network: Network
    prefixes: Prefixes
    rows: list[Row]
    shared: int
    room: int
    """Columns the memory will need, as far as one can tell."""
    steps: int = 0
    _pairs: Pairs | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._memory = self.network.memory(len(self.rows))

    @property
    def live(self) -> bool:
        """Whether any row is still answering."""
        return any(row.live for row in self.rows)

    def step(self) -> list[tuple[Row, list[Told]]]:
        """Decide once for every row; what is certain now, by row."""
        if self.steps == 0:
            self._begin()
        self._thin()
        if not self.rows:
            return []
        live = [row.live for row in self.rows]
        fed = [row.answer.feed if alive else [] for row, alive in zip(self.rows, live, strict=True)]
        logits = self.network.feed(
            self._memory, fed, [row.position for row in self.rows], shared=self._pairs, room=self.room
        )
        self.steps += 1
        for row, tokens in zip(self.rows, fed, strict=True):
            row.position += len(tokens)
        return self._decide(logits, live)

    def _begin(self) -> None:
        if self.shared:
            self._pairs = self.prefixes.get(self.rows[0].prompt[: self.shared])
        for row in self.rows:
            row.answer.feed = row.answer.feed[self.shared :]
            row.position = self.shared

    def _thin(self) -> None:
        places = [place for place, row in enumerate(self.rows) if row.live]
        if len(places) > CROWDED * len(self.rows):
            return
        self.rows = [self.rows[place] for place in places]
        self._memory.keep(torch.tensor(places, dtype=torch.long, device=self.network.device))

    @torch.inference_mode()
    def _decide(self, logits: Tensor, live: Sequence[bool]) -> list[tuple[Row, list[Told]]]:
        best, norms = logits.argmax(dim=-1).tolist(), logits.logsumexp(dim=-1).tolist()
        return [
            (row, _taken(row, Scores(logits[place], norms[place], best[place])))
            for place, row in enumerate(self.rows)
            if live[place]
        ]


def _taken(row: Row, scores: Scores) -> list[Told]:
    """What one row tells; what fails in it fails for nobody else."""
    try:
        return [*row.answer.take(scores)]
    except Exception as error:  # noqa: BLE001 - told to the one who asked
        row.cancelled = True
        return [as_told(error)]


def as_told(error: BaseException) -> EngineError:
    """An error as those hear it who wait for an answer."""
    if isinstance(error, EngineError):
        return error
    told = EngineError(
        f"the model failed: {error}", where="engine", fix="ask for less at once, or report this as a bug"
    )
    told.__cause__ = error
    return told
