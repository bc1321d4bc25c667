"""Where a text stands in the source files, by the places that examples carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tunewright.core import digest
from tunewright.core.types import Problem
from tunewright.data.ports import PLACE, Source
from tunewright.data.read import name_of, named
from tunewright.data.spec import DataSpec
from tunewright.runtime import plugins


def places_of(
    project: Path, spec: DataSpec, wanted: Callable[[str], bool]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """SHA-256 of every source file and the places in it where a value of a row is wanted.

    A source that is no longer there, or that is not one file, is left out.
    """
    for source in spec.every:
        opened: Source = plugins.make("sources", named(source))
        try:
            paths = opened.files(project)
            if len(paths) != 1:
                continue
            found = [
                f"{name_of(source)} {row[PLACE]}"
                for batch in opened.read(project, _ignore)
                for row in batch.to_pylist()
                if any(wanted(value) for value in row.values() if isinstance(value, str))
            ]
            yield digest.of_file(paths[0]), tuple(found)
        except OSError:
            continue


def _ignore(problem: Problem) -> None:
    """A line that cannot be read holds no example."""
