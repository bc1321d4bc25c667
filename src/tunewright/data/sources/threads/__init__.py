"""The source `threads`: a ticket or chat export with one message a row becomes conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tunewright.data.ports import Listed, Tell, batches
from tunewright.data.sources.kinds import inner


@dataclass(frozen=True, kw_only=True)
class Threads:
    """Messages of one thread, in the order of their times, as one conversation that ends with an answer.

    A row may also hold a whole conversation as a list of messages. Columns are found by customary names.
    """

    path: str
    """A table of any kind, or a folder of tables."""
    assistant: Listed = ()
    """Who speaks for you: names or patterns (`support*`) of the column `speaker` or `role`."""
    columns: dict[str, str] = field(default_factory=dict)
    """Column of each role that is not found by its name: `thread`, `speaker`, `role`, `recipient`, `text`,
    `time`, `outcome`, `messages`."""
    gap: Annotated[float, Field(gt=0)] | None = None
    """Minutes of silence that end a conversation; 60 where no column names the thread, else none."""
    each: bool = False
    """One example for each answer, with all that was said before it, instead of one for each conversation."""
    names: bool = False
    """Write the names of others than the assistant before what they say."""
    time_form: str | None = None
    """How times are written, as for `strptime`, where they are in no customary form."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the source that reads the table, such as `{encoding: cp1252}`."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The files of the table."""
        return inner(self.path, self.options).files(project)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of conversations: `messages`, `thread`, `customer` (no name), `time` and `outcome`.

        Holds the table in memory while it is put into order.
        """
        from tunewright.data.sources.threads import exports  # noqa: PLC0415 - light until used

        return batches(exports.read(self, project, tell))
