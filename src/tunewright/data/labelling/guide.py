"""The labelling guide: a Markdown file that people write and read; its sections are the labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunewright.core.errors import DataError
from tunewright.runtime.workspace import atomic_write, writable

FILE = "labelling.md"
LABEL = "label"
"""Question of a task whose answers are labels."""
TEXT = "text"
"""Question of a task whose answers are written."""

_HEADING = re.compile(r"^## +(.+?) *#*$", re.M)
_PARTS = ("Definition", "Examples", "Edge cases")
_WRITTEN = ("What a good answer has", "What it must not have", "Edge cases")


@dataclass(frozen=True)
class Guide:
    """What people agreed on before they label."""

    text: str
    sections: Mapping[str, str]
    """What stands below each `##` heading, in their order."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The headings: the labels of a classification task, in their order."""
        return tuple(self.sections)


def read_guide(path: Path) -> Guide:
    """Read the guide; one that is not there is empty. Raises `DataError`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Guide("", {})
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "the labelling guide cannot be read", where=str(path), fix="make it a readable file in UTF-8"
        ) from error
    parts = _HEADING.split(text)
    return Guide(text, dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True)))


def write_guide(
    path: Path, objective: str, question: str, labels: Sequence[str], examples: Mapping[str, Sequence[str]]
) -> Guide:
    """Write the guide, or add the sections of labels that it lacks; what people wrote stays as it is."""
    wrong = [label for label in labels if "\n" in label or not label.strip()]
    if wrong:
        raise DataError(f"`{wrong[0]}` is no label", where=FILE, fix="a label is one line, and not empty")
    have = read_guide(path)
    text = have.text or f"# Labelling guide\n\n{objective}\n"
    if question == LABEL:
        new = [label.strip() for label in dict.fromkeys(labels) if label.strip() not in have.sections]
        text += "".join(_section(label, examples.get(label, ())) for label in new)
    elif not have.text:
        text += "".join(f"\n## {title}\n" for title in _WRITTEN)
    if text != have.text:
        with writable(path.parent):
            atomic_write(path, text.encode())
    return read_guide(path)


def _section(label: str, examples: Sequence[str]) -> str:
    return "\n".join(["", f"## {label}", "", *_parts(examples)])


def _parts(examples: Sequence[str]) -> Iterator[str]:
    for part in _PARTS:
        yield f"**{part}:**"
        if part == "Examples":
            yield from (f"- {' '.join(text.split())}" for text in examples)
        yield ""
