"""Read sources: plug-in, detection, examples in Arrow batches, and every bad line in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Problem
from tunewright.data import build, detect
from tunewright.data.ids import Seen
from tunewright.data.ports import GROUP, PLACE, Source, Tell, Transform
from tunewright.data.quiet import quiet, quietly
from tunewright.data.sources.kinds import kind
from tunewright.data.spec import Columns, DataSpec, Files
from tunewright.data.transform import Log, transform
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

HUB = "hub:"
"""Begins the name of a data set of the hub: `hub:ORG/NAME`."""

LOOK = 200
"""Examples that detection looks at."""

MOST = 1000
"""Bad lines of one source that are told one by one."""


def named(source: str | Named) -> Named:
    """The plug-in of a source; a path is read by its suffix, one that says nothing as a folder."""
    if isinstance(source, Named):
        return source
    if source.startswith(HUB):
        return Named(name="hub", options={"name": source.removeprefix(HUB)})
    return Named(name=kind(source) or "folder", options={"path": source})


def name_of(source: str | Named) -> str:
    """What a source is called in messages: its path, or the plug-in's name."""
    return (
        source
        if isinstance(source, str)
        else str(source.options.get("path") or source.options.get("name") or source.name)
    )


def looked(batch: Any) -> detect.Values:  # noqa: ANN401 - a record batch
    """The first values of each column of the file: what detection looks at."""
    first: detect.Values = batch.slice(0, LOOK).to_pydict()
    return {name: values for name, values in first.items() if name not in (PLACE, GROUP)}


def files(sources: Files, project: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of every file that the sources read."""
    for source in sources:
        opened: Source = plugins.make("sources", named(source))
        for path in opened.files(project):
            yield name_of(source), path


@dataclass
class Reading:
    """One pass over all sources of the stage; collects what is wrong with all of them."""

    project: Path
    spec: DataSpec
    labelled: bool
    formats: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    """Bad lines."""
    fatal: list[Problem] = field(default_factory=list)
    """What no option can skip."""
    unsure: list[Problem] = field(default_factory=list)
    """What a person should look at: detections, and what sources left out."""
    detected: dict[str, detect.Detected] = field(default_factory=dict)
    ids: Seen = field(default_factory=Seen)
    foreign: bool = False
    """Whether the mapping of the spec was written for other sources: it is used where it fits."""

    def batches(self, sources: Files) -> Iterator[Any]:
        """Batches of examples (schema of `runtime.examples`) of the sources, in their order.

        Holds one batch at a time, and eight bytes an example for the ids.
        """
        for source in sources:
            yield from self._source(source)

    def examples(self, sources: Files) -> list[Example]:
        """Examples of the sources, in their order."""
        return [example for batch in self.batches(sources) for example in on_disk.of_batch(batch)]

    def write(
        self, sources: Files, path: Path, transforms: Sequence[Transform] = (), log: Log | None = None
    ) -> int:
        """Stream the examples through the transforms into a Parquet file; gives their number."""
        batches = self.batches(sources)
        changed = transform(batches, transforms, log or Log(())) if transforms else batches
        return on_disk.write_batches(changed, path)

    def _source(self, source: str | Named) -> Iterator[Any]:
        name = name_of(source)
        opened: Source = plugins.make("sources", named(source))
        told = _Told(self.problems, self.unsure)
        try:
            read = opened.read(self.project, told.tell)
            first = next(read, None)
            if first is None:
                self._nothing(name, told)
                return
            found = self._detected(first, name)
            if found is None:
                for _ in read:
                    """The rest is read for its bad lines, so that all are known at once."""
                return
            builder = build.Builder(found, self.labelled, name, self.ids)
            for batch in itertools.chain([first], read):
                yield builder.build(batch, told.tell)
        except OSError as error:
            self.fatal.extend(unreadable(error, name).problems)
        finally:
            told.close(name)

    def _nothing(self, name: str, told: _Told) -> None:
        if not told.count:
            what = "there are no examples in this file"
            self.fatal.append(Problem(where=name, what=what, fix="give a file with examples"))

    def _detected(self, batch: Any, name: str) -> detect.Detected | None:  # noqa: ANN401 - a record batch
        seen = looked(batch)
        wanted, shape = self.spec.columns, self.spec.format
        if self.foreign:
            fits = all(column in seen for column in wanted.named().values())
            wanted, shape = (wanted if fits else Columns()), None
        try:
            found = detect.detect(
                seen,
                where=name,
                columns=wanted,
                shape=shape,
                labels_wanted=self.labelled,
            )
        except DataError as error:
            self.fatal.extend(error.problems)
            return None
        self.detected[name] = found
        self.formats[name] = quiet(f"{found}, confidence {found.confidence:.1f}", self.spec)
        if found.confidence < detect.SURE:
            self.unsure.append(_unsure(found, name))
        return found

    def stop_if_bad(self) -> None:
        """Raise `DataError` with every problem, unless bad lines may be left out."""
        problems = self.fatal if self.spec.skip_bad_lines else self.fatal + self.problems
        if problems:
            raise DataError(problems=quietly(problems, self.spec))


@dataclass
class _Told:
    """Keeps the first bad lines of a source, and counts the rest."""

    problems: list[Problem]
    notes: list[Problem]
    """What stops nothing."""
    count: int = 0

    @property
    def tell(self) -> Tell:
        """Takes one bad line."""
        return self._take

    def _take(self, problem: Problem) -> None:
        if not problem.fatal:
            self.notes += [problem] * (len(self.notes) < MOST)
            return
        self.count += 1
        if self.count <= MOST:
            self.problems.append(problem)

    def close(self, name: str) -> None:
        """Tell how many more there were."""
        if self.count > MOST:
            what = f"{self.count - MOST} more bad lines in this source"
            self.problems.append(Problem(where=name, what=what, fix="mend the kinds named above first"))


def _unsure(found: detect.Detected, name: str) -> Problem:
    return Problem(
        where=name,
        what=f"read as {found}, but only with a confidence of {found.confidence:.1f}",
        fix=f"look at it with `tunewright look {name}`, and confirm it by {detect.mapping(found)}",
        fatal=False,
    )


def unreadable(error: OSError, name: str = "") -> DataError:
    """The error of a file that is not there or may not be read."""
    what = f"this file cannot be read: {error.strerror or error}"
    return DataError(what, where=name or str(error.filename), fix="look at its name and its permissions")
