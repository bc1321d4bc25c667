"""Read sources: plug-in, detection, examples, and every bad line in one pass."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Problem
from tunewright.data import build, detect
from tunewright.data.ports import PLACE, Source
from tunewright.data.spec import DataSpec, Files
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv"} | {
    ".parquet": "parquet",
    ".pq": "parquet",
}
"""Which source reads a file of that suffix."""

_LOOK = 200
"""Examples that detection looks at."""


def named(source: str | Named) -> Named:
    """The plug-in of a source; a path is read by its suffix."""
    if isinstance(source, Named):
        return source
    kind = SUFFIXES.get(Path(source).suffix.lower(), "jsonl")
    return Named(name=kind, options={"path": source})


def name_of(source: str | Named) -> str:
    """What a source is called in messages: its path, or the plug-in's name."""
    return source if isinstance(source, str) else str(source.options.get("path", source.name))


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
    ids: dict[str, int] = field(default_factory=dict)

    def examples(self, sources: Files) -> list[Example]:
        """Examples of the sources, in their order."""
        return [example for source in sources for example in self._source(source)]

    def _source(self, source: str | Named) -> Iterator[Example]:
        name = name_of(source)
        opened: Source = plugins.make("sources", named(source))
        before = len(self.problems)
        try:
            read = opened.read(self.project, self.problems.append)
            first = next(read, None)
        except OSError as error:
            self.fatal.extend(unreadable(error, name).problems)
            return
        if first is None:
            if len(self.problems) == before:
                what = "there are no examples in this file"
                self.fatal.append(Problem(where=name, what=what, fix="give a file with examples"))
            return
        found = self._detected(first, name)
        if found is None:
            for _ in read:
                """The rest is read for its bad lines, so that all are known at once."""
            return
        builder = build.Builder(found, self.labelled, name, self.ids)
        rows = _rows(itertools.chain([first], read), name)
        yield from build.examples(builder, rows, self.problems)

    def _detected(self, batch: Any, name: str) -> detect.Detected | None:  # noqa: ANN401 - a record batch
        looked = batch.slice(0, _LOOK).to_pydict()
        looked.pop(PLACE)
        try:
            found = detect.detect(
                looked,
                where=name,
                columns=self.spec.columns,
                shape=self.spec.format,
                labels_wanted=self.labelled,
            )
        except DataError as error:
            self.fatal.extend(error.problems)
            return None
        self.formats[name] = f"{found}, confidence {found.confidence:.1f}"
        return found

    def stop_if_bad(self) -> None:
        """Raise `DataError` with every problem, unless bad lines may be left out."""
        problems = self.fatal if self.spec.skip_bad_lines else self.fatal + self.problems
        if problems:
            raise DataError(problems=problems)


def unreadable(error: OSError, name: str = "") -> DataError:
    """The error of a file that is not there or may not be read."""
    what = f"this file cannot be read: {error.strerror}"
    return DataError(what, where=name or str(error.filename), fix="look at its name and its permissions")


def _rows(read: Iterator[Any], name: str) -> Iterator[tuple[str, build.Row]]:
    for batch in read:
        for row in batch.to_pylist():
            yield f"{name} {row.pop(PLACE)}", row
