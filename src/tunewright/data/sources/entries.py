"""Entries of other trainers' data set lists: a file, and which of its columns is what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunewright.core.types import Problem
from tunewright.data.ports import PLACE, Source, Tell
from tunewright.data.sources.kinds import kind
from tunewright.runtime import plugins
from tunewright.runtime.lazy import require
from tunewright.runtime.plugins import Named

Rewrite = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One data set of such a list."""

    name: str
    file: str
    """Relative to the project; a file, a folder or `hub:ORG/NAME`."""
    columns: Mapping[str, str]
    """The house's name of each column, as in `data.columns` → its name in the file."""
    optional: tuple[str, ...] = ()
    """Names of the house that a file need not have."""
    turns: Rewrite | None = None
    """Makes OpenAI's turns of the column `messages`."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the hub: `split`, `subset`, `revision`."""

    def source(self) -> Source:
        """What reads the file."""
        if self.file.startswith("hub:"):
            named = Named(name="hub", options={"name": self.file.removeprefix("hub:"), **self.options})
        elif kind(self.file):
            named = Named(name=kind(self.file) or "", options={"path": self.file})
        else:
            named = Named(name="folder", options={"path": self.file})
        opened: Source = plugins.make("sources", named)
        return opened

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the file, with the house's column names and nothing else."""
        first = True
        for batch in self.source().read(project, tell):
            have = batch.schema.names
            missing = [
                one for role, one in self.columns.items() if one not in have and role not in self.optional
            ]
            if first and missing:
                listing = ", ".join(f"`{name}`" for name in have if name != PLACE)
                what = f"`{self.name}` has no column `{missing[0]}`"
                tell(Problem(where=self.file, what=what, fix=f"the file has {listing}: name one of them"))
                return
            first = False
            yield self._renamed(batch)

    def _renamed(self, batch: Any) -> Any:  # noqa: ANN401 - Arrow
        pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
        places = compute.binary_join_element_wise(pa.scalar(self.file), batch.column(PLACE), " ")
        found = {PLACE: places}
        for role, name in self.columns.items():
            if name in batch.schema.names:
                found[role] = batch.column(name)
        if self.turns is not None and "messages" in found:
            texts = [None if text is None else self.turns(text) for text in found["messages"].to_pylist()]
            found["messages"] = pa.array(texts, pa.string())
        return pa.RecordBatch.from_pydict(found)


@dataclass(frozen=True, kw_only=True)
class Tags:
    """How the turns of a file name role, content and speakers."""

    role: str = "from"
    content: str = "value"
    speakers: Mapping[str, str] = field(default_factory=dict)
    """Word of the file → role of the house; other words stay, and are checked later."""

    def __call__(self, text: str) -> str:
        """The turns with the names of OpenAI; a text that is no list of turns as it is."""
        try:
            turns = orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
        if not isinstance(turns, list):
            return text
        return orjson.dumps([self._turn(turn) for turn in turns]).decode()

    def _turn(self, turn: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(turn, dict) or not {self.role, self.content} <= turn.keys():
            return turn
        said = turn[self.role]
        return {
            "role": self.speakers.get(said, said) if isinstance(said, str) else said,
            "content": turn[self.content],
        }


SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
} | {
    "observation": "tool",
    "function_call": "assistant",
    "tool": "tool",
}
"""The customary words of ShareGPT files."""
