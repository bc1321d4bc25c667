"""Traces of values in the files of a workspace: found without being shown, and taken out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.runtime.workspace import atomic_write

GONE = "[ERASED]"
_TEXT = {".json", ".jsonl", ".md", ".html", ".txt", ".yaml", ".yml", ".csv", ".tsv", ".svg", ".log"}
_SHORTEST = 12
"""Shorter texts of an example, such as `yes`, are nobody's."""


@dataclass(frozen=True)
class Traces:
    """Values to look for, whatever their case, and whole texts of examples."""

    values: tuple[str, ...]
    texts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Without the values."""
        return f"Traces({len(self.values)} values)"

    def with_texts(self, texts: Sequence[str]) -> Traces:
        """The same values, and what the removed examples said."""
        return replace(self, texts=tuple({text for text in texts if len(text) >= _SHORTEST}))

    def found_in(self, text: str) -> bool:
        """Does one of the values stand in the text, whatever the case?"""
        folded = text.casefold()
        return any(value.casefold() in folded for value in self.values)

    def clean(self, root: Path) -> tuple[list[str], list[str]]:
        """Take the values out of the text files below the folder; gives these, and what cannot be mended.

        A line of a file of lines that holds one is taken out; elsewhere the value is replaced. Parquet
        files of data sets are not looked at here.
        """
        mended, still = [], []
        for path in sorted(path for path in root.rglob("*") if path.is_file() and path.suffix != ".parquet"):
            name = path.relative_to(root).as_posix()
            if path.suffix in _TEXT or path.suffix == "":
                if self._mend(path):
                    mended.append(name)
            elif self._in_bytes(path):
                still.append(name)
        return mended, still

    def _mend(self, path: Path) -> bool:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return False
        pattern = self._pattern()
        if not pattern.search(text):
            return False
        if path.suffix == ".jsonl":
            text = "".join(line for line in text.splitlines(keepends=True) if not pattern.search(line))
        else:
            text = pattern.sub(GONE, text)
        atomic_write(path, text.encode())
        return True

    def _in_bytes(self, path: Path) -> bool:
        data = path.read_bytes().lower()
        return any(value.lower().encode() in data for value in self.values)

    def _pattern(self) -> re.Pattern[str]:
        """Values and texts, also as JSON and HTML write them."""
        forms = dict.fromkeys(form for text in (*self.texts, *self.values) for form in _forms(text))
        return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))), re.I)


def _forms(text: str) -> Iterator[str]:
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
