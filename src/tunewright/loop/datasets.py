"""The data sets of a project: make the next one, list what there is, compare two."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Dataset, Frozen
from tunewright.data import Difference, difference
from tunewright.loop.lineage import nodes
from tunewright.runtime import events, plugins
from tunewright.runtime.events import Emit

if TYPE_CHECKING:
    from tunewright.loop.project import Project


class Version(Frozen):
    """One data set among the others of its project."""

    made: dt.datetime
    dataset: Dataset


@dataclass(frozen=True)
class Datasets:
    """What can be done with the data of a project alone, without training anything."""

    project: Project

    def run(self, *, again: bool = False, listen: Emit = events.ignore) -> Dataset:
        """Make the data set of the spec, or give the one that exists; `listen` is told every event."""
        made = self.project.run(only="data", again=again, listen=listen).dataset
        return made or self._named(None)

    def versions(self) -> tuple[Version, ...]:
        """Every data set of the project, the newest first."""
        found = (
            (one.made, self.project.workspace.find(one.id, Dataset))
            for one in nodes(self.project.workspace).values()
            if one.id.startswith("dataset-")
        )
        return tuple(Version(made=made, dataset=one) for made, one in found if one is not None and made)

    def diff(self, before: str | None = None, after: str | None = None) -> Difference:
        """From one data set to another: by id, else from the newest but one to the newest."""
        newest = [one.dataset.id for one in self.versions()]
        if len(newest) < 2:
            raise WorkspaceError(
                "there are not two data sets to compare yet",
                where="data diff",
                fix="change the section `data` and run `tunewright data` again",
            )
        return difference(self._named(before or newest[1]), self._named(after or newest[0]))

    def card(self, dataset_id: str | None = None) -> str:
        """The card of a data set in Markdown: by id, else of the newest."""
        return (self._named(dataset_id).path / "card.md").read_text(encoding="utf-8")

    def _named(self, dataset_id: str | None) -> Dataset:
        """The data set of that id, or the newest; raises `WorkspaceError`."""
        made = {one.dataset.id: one.dataset for one in self.versions()}
        if not made:
            raise WorkspaceError(
                "there is no data set yet", where=str(self.project.folder), fix="`tunewright data` makes it"
            )
        wanted = dataset_id or next(iter(made))
        if wanted not in made:
            raise WorkspaceError(
                problems=[plugins.unknown(wanted, tuple(made), where="data", noun="data set")]
            )
        return made[wanted]
