"""The file of synthetic examples, a person's: it is only added to, and what was taken out stays out."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.core import digest
from tunewright.core.errors import DataError
from tunewright.data.spec import DataSpec
from tunewright.data.synthetic.draft import Draft
from tunewright.runtime.examples import SYNTHETIC
from tunewright.runtime.workspace import Workspace, atomic_write, writable

PROVENANCE = "provenance"
"""Column that says where an example comes from."""
Shape = Literal["label", "talk", "undesirable", ""]
"""What decides the columns beside the spec: labels, whole conversations, or answers marked as bad."""
_TEXTS = ("text", "prompt", "instruction", "question")


@dataclass(frozen=True)
class Sheet:
    """One file, and the list of everything that was ever put into it."""

    path: Path
    workspace: Workspace

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep the file for one command: two that add to it at once would add the same."""
        name = self._list.stem
        with (
            writable(self.workspace.root),
            self.workspace.lock(
                f"synthetic-{name}", f"another command is adding to {self.path.name} right now"
            ),
        ):
            yield

    def rows(self) -> list[dict[str, Any]]:
        """What stands in the file now; raises `DataError` for a line that is no JSON object."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                "this file cannot be read, so nothing is added to it",
                where=str(self.path),
                fix="make it a UTF-8 file that you may read, or name another one as `output`",
            ) from error
        return [self._row(number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def _row(self, number: int, line: str) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise DataError(
                "this line is no JSON object, so nothing is added to the file",
                where=f"{self.path} line {number}",
                fix="mend the line, or name another file as `output`",
            )
        return found

    def offered(self) -> set[str]:
        """Ids that were put in earlier: what a person took out does not come back.

        A file that is gone has forgotten them.
        """
        if not self.path.exists():
            return set()
        listed = self._list.read_text(encoding="utf-8").split() if self._list.exists() else []
        return {*listed, *(row[PROVENANCE]["id"] for row in self.rows() if _has_id(row))}

    def check(self, row: Mapping[str, Any]) -> None:
        """Raise `DataError` where the file holds examples of another shape than this row has."""
        there = self.rows()
        if there and set(there[0]) != set(row):
            have = ", ".join(f"`{name}`" for name in there[0])
            raise DataError(
                f"the file holds examples of another shape ({have})",
                where=str(self.path),
                fix="name another file as `output`: a source has one shape",
            )

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows at the end."""
        if not rows:
            return
        known = self.offered() | {row[PROVENANCE]["id"] for row in rows}
        before = self.path.read_bytes() if self.path.exists() else b""
        before += b"\n" * (bool(before) and not before.endswith(b"\n"))
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        with writable(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._list.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self.path, before + lines.encode())
            atomic_write(self._list, "\n".join(sorted(known)).encode())

    @property
    def _list(self) -> Path:
        return self.workspace.root / "synthetic" / f"{digest.of_text(str(self.path))[:16]}.txt"


def _has_id(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get(PROVENANCE), dict) and "id" in row[PROVENANCE]


def said(rows: Iterable[Mapping[str, Any]], spec: DataSpec) -> Iterator[str]:
    """What the rows ask, to be compared with (with the rejected answer, where there is one)."""
    names = _TEXTS if spec.columns.text is None else (spec.columns.text, *_TEXTS)
    for row in rows:
        asked = next((row[name] for name in names if isinstance(row.get(name), str)), "")
        worse = row.get("rejected")
        yield f"{asked}\n{worse}" if isinstance(worse, str) else asked


def row_of(draft: Draft, spec: DataSpec, *, shape: Shape, made: Mapping[str, Any]) -> dict[str, Any]:
    """A draft as a row that the project's own reading takes as it is, with where it comes from.

    Columns that the spec names are called as it names them.
    """
    columns = spec.columns.named()
    texts = _texts(draft, spec, shape)
    if "group" in columns:
        texts["group"] = draft.seed.parent.group if draft.seed.parent is not None else None
    named = {columns.get(role, role): value for role, value in texts.items()}
    others = {name: None for role, name in columns.items() if role not in texts}
    tags = [SYNTHETIC, f"teacher:{made['teacher']}"]
    provenance = {
        "id": draft.id,
        **made,
        "source": draft.seed.source,
        "turn": draft.seed.turn,
        "prompt": draft.prompt,
        "time": draft.time,
        "scores": dict(draft.scores),
    }
    return {**others, **named, columns.get("tags", "tags"): tags, PROVENANCE: provenance}


def _texts(draft: Draft, spec: DataSpec, shape: Shape) -> dict[str, Any]:
    """Role → value, in the shape that fits the project's own sources."""
    turns, columns = _asked(draft), spec.columns
    plain = draft.question if len(turns) == 1 else turns
    if draft.rejected is not None:
        if shape == "undesirable":
            return {"prompt": plain, "completion": draft.rejected, "desirable": False}
        return {"prompt": plain, "chosen": draft.answer, "rejected": draft.rejected}
    if columns.messages or spec.format == "messages":
        return _messages(turns, draft.answer)
    if columns.instruction or columns.output or spec.format == "instruction":
        return {"instruction": draft.question, "output": draft.answer}
    if columns.prompt or columns.completion or spec.format == "completion":
        return {"prompt": draft.question, "completion": draft.answer}
    if shape == "label":
        return {"text": draft.question, "label": draft.answer}
    return (
        _messages(turns, draft.answer) if shape == "talk" else {"prompt": plain, "completion": draft.answer}
    )


def _messages(turns: Sequence[Mapping[str, str]], answer: str) -> dict[str, Any]:
    return {"messages": [*turns, {"role": "assistant", "content": answer}]}


def _asked(draft: Draft) -> list[dict[str, str]]:
    """The turns before the answer: those of the parent, its last question put anew."""
    own = {"role": "user", "content": draft.question}
    parent = draft.seed.parent
    if parent is None or not parent.prompt:
        return [own]
    before = [turn.model_dump() for turn in parent.prompt]
    last = max((place for place, turn in enumerate(before) if turn["role"] == "user"), default=0)
    return [*before[:last], own, *before[last + 1 :]]
