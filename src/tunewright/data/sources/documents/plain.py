"""Plain text: paragraphs between empty lines."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.data.sources.documents.blocks import TEXT, Block, File
from tunewright.runtime.lines import lines

_LONGEST = 1 << 20
"""Characters of a paragraph; a longer one is cut at the end of a line."""


def blocks(file: File) -> Iterator[Block]:
    """Paragraphs with the number of their first line; lines that are not in the encoding are told."""
    first, size, paragraph = 0, 0, list[str]()
    for number, line in lines(file.path, file.encoding, file.name, file.tell):
        if line and line.strip():
            first = first if paragraph else number
            paragraph.append(line.rstrip())
            size += len(line)
        if paragraph and (size > _LONGEST or not (line and line.strip())):
            yield Block(f"line {first}", "\n".join(paragraph))
            size, paragraph = 0, []
    if paragraph:
        yield Block(f"line {first}", "\n".join(paragraph))


def whole(file: File, encoding: str = "") -> str:
    """The text of a file that is read as a whole; empty where that is too much or cannot be (told)."""
    read, size = list[str](), 0
    for _, line in lines(file.path, encoding or file.encoding, file.name, file.tell):
        size += len(line or "")
        if size > TEXT:
            file.wrong(f"this document has more than {TEXT >> 20} Mi characters", "cut it into several")
            return ""
        read.append("\n" if line is None else line)
    return "".join(read)
