"""The source `documents`: PDF, DOCX, HTML, Markdown and plain text, cut into passages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tunewright.data.ports import Tell, batches
from tunewright.data.sources.kinds import below


@dataclass(frozen=True, kw_only=True)
class Documents:
    """A document, or every document below a folder, as passages with their headings and their place."""

    path: str
    words: Annotated[int, Field(ge=10)] = 200
    """Words that a passage has at most; a single sentence may be longer."""
    overlap: Annotated[int, Field(ge=0)] = 0
    """Words at the end of a passage that the next one of the same heading begins with."""
    encoding: str = "utf-8"
    """Of HTML, Markdown and plain text; what an HTML file says of itself comes first."""
    pattern: str = "**/*"
    """Which files of a folder, such as `*.pdf`."""

    def __post_init__(self) -> None:
        """Refuse an overlap that leaves nothing new to a passage."""
        if self.overlap * 2 > self.words:
            raise ValueError(f"`overlap` must be at most half of `words`, {self.words // 2}")

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file, or the documents below the folder."""
        return below(project / self.path, self.pattern, "documents")

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of passages: `text` below its headings, `title` with those alone, `group` the file."""
        from tunewright.data.sources.documents import passages  # noqa: PLC0415 - light until used

        return batches(passages.read(self, project, tell))
