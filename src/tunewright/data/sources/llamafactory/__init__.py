"""The source `llamafactory`: data sets of a LLaMA-Factory `dataset_info.json`, read as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tunewright.core.types import Problem
from tunewright.data.ports import Tell
from tunewright.data.sources.entries import SPEAKERS, Entry, Tags

_ALPACA = {"prompt": "instruction", "query": "input", "response": "output"}
_OURS = {"prompt": "instruction", "query": "input", "response": "output", "system": "system"} | {
    "chosen": "chosen",
    "rejected": "rejected",
    "kto_tag": "desirable",
}
_OPTIONAL = ("input", "system")


@dataclass(frozen=True, kw_only=True)
class LlamaFactory:
    """One data set of the list, or all of them."""

    path: str
    """The list, `dataset_info.json`; its files lie beside it."""
    name: str | None = None
    """Which one; all if left out."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The list and the files it names."""
        read = [path for one in self._entries(project, _ignore) for path in one.source().files(project)]
        return (project / self.path, *read)

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of the data sets, one after the other."""
        for one in self._entries(project, tell):
            yield from one.read(project, tell)

    def _entries(self, project: Path, tell: Tell) -> Iterator[Entry]:
        listed = self._listed(project, tell)
        if self.name is not None and self.name not in listed and listed:
            known = ", ".join(f"`{name}`" for name in listed)
            tell(self._wrong(f"there is no data set `{self.name}`", f"known: {known}"))
        for name, told in listed.items():
            if self.name in (None, name):
                yield from self._entry(name, told, tell)

    def _listed(self, project: Path, tell: Tell) -> dict[str, dict[str, Any]]:
        path = project / self.path
        if not path.is_file():
            return {}
        try:
            listed = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            tell(self._wrong(f"broken JSON: {error.msg}", "mend it", f" line {error.lineno}"))
            return {}
        sound = isinstance(listed, dict) and all(isinstance(one, dict) for one in listed.values())
        if not sound:
            tell(self._wrong("this is no list of data sets", 'write {"name": {"file_name": …}}'))
        return listed if sound else {}

    def _entry(self, name: str, told: dict[str, Any], tell: Tell) -> Iterator[Entry]:
        file = told.get("file_name")
        hub = told.get("hf_hub_url")
        columns = dict(told.get("columns") or {})
        if not isinstance(file or hub, str):
            tell(self._wrong(f"`{name}` has neither `file_name` nor `hf_hub_url`", "name its file"))
            return
        odd = sorted(set(columns) & {"history", "tools", "images", "videos", "audios"})
        if odd:
            tell(
                self._wrong(
                    f"`{name}` uses the column `{odd[0]}`, which is not read", "use `formatting: sharegpt`"
                )
            )
            return
        place = (Path(self.path).parent / file).as_posix() if isinstance(file, str) else f"hub:{hub}"
        options = {"split": told.get("split", "train"), "subset": told.get("subset")} if file is None else {}
        talks = told.get("formatting", "alpaca") == "sharegpt"
        yield Entry(
            name=name,
            file=place,
            columns=_conversation(columns, told) if talks else _plain(columns, told),
            optional=_OPTIONAL,
            turns=_tags(told.get("tags") or {}) if talks else None,
            options=options,
        )

    def _wrong(self, what: str, fix: str, where: str = "") -> Problem:
        return Problem(where=f"{self.path}{where}", what=what, fix=fix)


def _plain(columns: dict[str, str], told: dict[str, Any]) -> dict[str, str]:
    given = columns or _ALPACA
    if told.get("ranking"):
        given = {key: value for key, value in given.items() if key != "response"}
    ours = {_OURS[key]: value for key, value in given.items() if key in _OURS}
    if "desirable" in ours:  # prompt and completion, as that shape calls them
        ours["prompt"], ours["completion"] = ours.pop("instruction"), ours.pop("output")
    return ours


def _conversation(columns: dict[str, str], told: dict[str, Any]) -> dict[str, str]:
    ours = {"messages": columns.get("messages", "conversations")}
    if "system" in columns:
        ours["system"] = columns["system"]
    if told.get("ranking"):
        ours["prompt"] = ours.pop("messages")
        ours |= {"chosen": columns.get("chosen", "chosen"), "rejected": columns.get("rejected", "rejected")}
    return ours


def _tags(tags: dict[str, str]) -> Tags:
    speakers = dict(SPEAKERS)
    for tag, role in (("user_tag", "user"), ("assistant_tag", "assistant"), ("system_tag", "system")):
        if tag in tags:
            speakers[tags[tag]] = role
    for tag, role in (("observation_tag", "tool"), ("function_tag", "assistant")):
        if tag in tags:
            speakers[tags[tag]] = role
    return Tags(
        role=tags.get("role_tag", "from"), content=tags.get("content_tag", "value"), speakers=speakers
    )


def _ignore(problem: Problem) -> None:
    """Tell nobody: it is told when the files are read."""
    del problem
