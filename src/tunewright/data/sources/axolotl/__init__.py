"""The source `axolotl`: the `datasets:` of an Axolotl configuration, read as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.ports import Tell
from tunewright.data.sources.entries import SPEAKERS, Entry, Tags
from tunewright.data.sources.kinds import kind
from tunewright.runtime.lazy import require

_TYPES = {
    "alpaca": {"instruction": "instruction", "input": "input", "output": "output"},
    "completion": {"text": "text"},
    "sharegpt": {"messages": "conversations"},
    "chat_template": {"messages": "messages"},
}
_FIELDS = {"field_instruction": "instruction", "field_input": "input", "field_output": "output"}


@dataclass(frozen=True, kw_only=True)
class Axolotl:
    """Every entry of `datasets:`; its files are found from the folder of the configuration."""

    path: str
    """The configuration, a YAML file."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The configuration and the files it names."""
        read = [path for one in self._entries(project, _ignore) for path in one.source().files(project)]
        return (project / self.path, *read)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the entries, one after the other."""
        for one in self._entries(project, tell):
            yield from one.read(project, tell)

    def _entries(self, project: Path, tell: Tell) -> Iterator[Entry]:
        for number, told in enumerate(self._listed(project, tell), 1):
            yield from self._entry(f"entry {number}", told, tell)

    def _listed(self, project: Path, tell: Tell) -> list[Any]:
        yaml = require("yaml", extra="all")
        path = project / self.path
        if not path.is_file():
            return []
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            tell(self._wrong(f"broken YAML: {str(error).splitlines()[0]}", "mend it"))
            return []
        listed = read.get("datasets") if isinstance(read, dict) else None
        if not isinstance(listed, list):
            tell(self._wrong("there is no list `datasets:`", "name the configuration that you train with"))
            return []
        return listed

    def _entry(self, name: str, told: Any, tell: Tell) -> Iterator[Entry]:  # noqa: ANN401 - any YAML
        if not isinstance(told, dict) or not isinstance(told.get("path"), str):
            tell(self._wrong(f"{name} has no `path`", "name its file or data set"))
            return
        columns = _columns(told)
        if columns is None:
            known = ", ".join(f"`{one}`" for one in _TYPES)
            tell(
                self._wrong(f"{name} has the type `{told.get('type')}`, which is not read", f"known: {known}")
            )
            return
        for file in _files(told):
            place = (Path(self.path).parent / file).as_posix()
            local = kind(file) is not None or file.startswith((".", "/"))
            options = {"split": told.get("split", "train"), "subset": told.get("name")}
            yield Entry(
                name=name,
                file=place if local else f"hub:{file}",
                columns=columns,
                optional=("input", "system"),
                turns=_tags(told),
                options={} if local else options,
            )

    def _wrong(self, what: str, fix: str) -> Problem:
        return Problem(where=self.path, what=what, fix=fix)


def _files(told: dict[str, Any]) -> list[str]:
    given = told.get("data_files") or told["path"]
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def _columns(told: dict[str, Any]) -> dict[str, str] | None:
    how = told.get("type")
    if isinstance(how, dict):
        found = {ours: str(how[theirs]) for theirs, ours in _FIELDS.items() if how.get(theirs)}
        return {**found, **({"system": str(how["field_system"])} if how.get("field_system") else {})}
    usual = _TYPES.get(str(how).split(".")[0].split(":")[0])
    if usual is None:
        return None
    columns = dict(usual)
    if "messages" in columns:
        columns["messages"] = str(told.get("field_messages", columns["messages"]))
    if "text" in columns:
        columns["text"] = str(told.get("field", columns["text"]))
    return columns


def _tags(told: dict[str, Any]) -> Tags:
    mapped = told.get("message_property_mappings") or {}
    shared = str(told.get("type")).startswith("sharegpt")
    role = mapped.get("role") or told.get("message_field_role") or ("from" if shared else "role")
    content = mapped.get("content") or told.get("message_field_content") or ("value" if shared else "content")
    speakers = dict(SPEAKERS)
    for ours, theirs in (told.get("roles") or {}).items():
        speakers |= {str(one): str(ours) for one in (theirs if isinstance(theirs, list) else [theirs])}
    return Tags(role=str(role), content=str(content), speakers=speakers)


def _ignore(problem: Problem) -> None:
    """Tell nobody: it is told when the files are read."""
    del problem
