"""The source `folder`: the tables below a folder by their names; without any, its mails or documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import PLACE, Source, Tell
from tunewright.data.sources.kinds import FOLDERS, SUFFIXES, below, kind
from tunewright.runtime import plugins
from tunewright.runtime.lazy import require

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Files below a folder that a source can read; files of other kinds and hidden ones are left out.

    Tables go first: what stands beside them describes them.
    """

    path: str
    pattern: str = "**/*"
    """Which files, such as `*.jsonl`."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the source that reads each file, such as `{encoding: cp1252}`."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The files, sorted by name; the folder itself if it is not there."""
        other = self._other(project)
        return other.files(project) if other else self._tables(project)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of every file; the place of an example begins with its file."""
        other = self._other(project)
        if other:
            yield from other.read(project, tell)
            return
        paths = self._tables(project)
        if not paths or paths == (project / self.path,):
            tell(self._nothing(project / self.path))
            return
        for path in paths:
            shown = path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
            named = plugins.Named(name=kind(path.name) or "jsonl", options={**self.options, "path": shown})
            opened: Source = plugins.make("sources", named)
            inside = path.relative_to(project / self.path).as_posix()
            for batch in opened.read(project, tell):
                yield _placed(batch, inside)

    def _nothing(self, folder: Path) -> Problem:
        if folder.is_dir():
            what, fix = "no file of a known kind is in this folder", "name files, or write another `pattern`"
        elif folder.exists():
            what = "this name does not say what kind of file it is"
            fix = f"name its source: `{{jsonl: {{path: {self.path}}}}}`"
            fix = "unpack it, and name what is in it" if folder.suffix in _ARCHIVES else fix
        else:
            what, fix = "there is no such file or folder", "look at its name"
        return Problem(where=self.path, what=what, fix=fix)

    def _tables(self, project: Path) -> tuple[Path, ...]:
        tables = set(SUFFIXES.values()) - set(FOLDERS)
        return below(project / self.path, self.pattern, *tables)

    def _other(self, project: Path) -> Source | None:
        """What reads the folder where there is no table in it."""
        folder = project / self.path
        if not folder.is_dir() or self._tables(project) != (folder,):
            return None
        for name in FOLDERS:
            if below(folder, self.pattern, name) != (folder,):
                options = {**self.options, "path": self.path, "pattern": self.pattern}
                source: Source = plugins.make("sources", plugins.Named(name=name, options=options))
                return source
        return None


def _placed(batch: Any, name: str) -> Any:  # noqa: ANN401 - Arrow
    pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
    places = compute.binary_join_element_wise(pa.scalar(name), batch.column(PLACE), " ")
    return batch.set_column(batch.schema.get_field_index(PLACE), PLACE, places)
