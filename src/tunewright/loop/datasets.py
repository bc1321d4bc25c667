"""The data sets of a project: make the next one, list what there is, compare two."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Dataset, Frozen
from tunewright.data import Difference, difference
from tunewright.data.card import CARD
from tunewright.loop.lineage import Node, nodes
from tunewright.runtime import events, plugins
from tunewright.runtime.events import Emit

if TYPE_CHECKING:
    from tunewright.loop.project import Project


class Version(Frozen):
    """One data set among the others of its project."""

    made: dt.datetime
    dataset: Dataset
    changed: tuple[str, ...] = ()
    """What section `data`, content of the sources and seed have different from the one before."""


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
            if one.id.startswith("dataset-") and not _is_part(one)
        )
        every = [(made, one) for made, one in found if one is not None and made]
        before = [one for _, one in every[1:]]
        return tuple(
            Version(made=made, dataset=one, changed=tuple(_changes(old, one)) if old else ())
            for (made, one), old in itertools.zip_longest(every, before)
        )

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
        return (self._named(dataset_id).path / CARD).read_text(encoding="utf-8")

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


def _is_part(one: Node) -> bool:
    """Whether it was drawn from another data set, as for a learning curve: that is no version of it."""
    return any(parent.startswith("dataset-") for parent in one.parents)


def _changes(before: Dataset, after: Dataset) -> Iterator[str]:
    """What was asked otherwise, in the words of the spec."""
    old, new = (dict(_flat(one.spec, "data")) for one in (before, after))
    for path in dict.fromkeys([*old, *new]):
        if old.get(path) != new.get(path):
            yield f"{path}: {_said(old, path)} → {_said(new, path)}"
    for name, content in after.sources.items():
        if before.sources.get(name, content) != content:
            yield f"{name}: other content"
    if before.seed != after.seed:
        yield f"seed: {before.seed} → {after.seed}"


def _flat(values: Mapping[str, Any], path: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        inside = f"{path}.{key}"
        yield from _flat(value, inside) if isinstance(value, dict) else [(inside, value)]


def _said(values: Mapping[str, Any], path: str) -> str:
    return json.dumps(values[path], ensure_ascii=False) if path in values else "the default"
