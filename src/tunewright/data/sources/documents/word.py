"""DOCX by the standard library, as a stream: paragraphs, lists, tables, and headings by their style."""

from __future__ import annotations

import contextlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from tunewright.data.sources.documents.blocks import LARGEST, Block, File
from tunewright.runtime import redact

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
"""The same words in files that Word saves as `Strict Open XML`."""

_BODY, _STYLES = "word/document.xml", "word/styles.xml"
_BLANKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": ""}
_UNSEEN = frozenset(["del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "rPr", "sectPr"])
"""What was taken out, what is there twice, and what is no text."""

_HEADING = re.compile(r"heading (\d)", re.I)

_DEEPEST, _MOST = 200, 1_000_000
"""Elements inside each other, and in one paragraph or table."""

_BROKEN = (
    *(zipfile.BadZipFile, ElementTree.ParseError, zlib.error, EOFError, KeyError, ValueError),
    *(NotImplementedError, RuntimeError, OSError),
)


def blocks(file: File) -> Iterator[Block]:
    """Paragraphs, tables and headings, each with its heading, or its number where there is none above it."""
    try:
        with zipfile.ZipFile(file.path) as packed:
            size = sum(
                packed.getinfo(name).file_size for name in (_BODY, _STYLES) if name in packed.namelist()
            )
            if size > LARGEST:
                raise ValueError(f"unpacked it has {size >> 20} MiB, over {LARGEST >> 20}")
            levels = _levels(packed)
            with packed.open(_BODY) as body:
                yield from _placed(_body(body, levels))
    except FileNotFoundError:
        raise
    except _BROKEN as error:
        what = "it is encrypted" if _is_encrypted(file) else " ".join(str(error).split())[:120]
        file.wrong(f"this is no readable DOCX: {what}", "save it again as `.docx`, without a password")


def _is_encrypted(file: File) -> bool:
    """True for the container that Office puts around what has a password."""
    with contextlib.suppress(OSError), file.path.open("rb") as opened:
        return opened.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    return False


def _placed(found: Iterator[tuple[int, str, int]]) -> Iterator[Block]:
    place = ""
    for number, text, level in found:
        if level:
            place = _reference(text) or f"paragraph {number}"
        yield Block(place or f"paragraph {number}", text, level)


def _reference(heading: str) -> str:
    """A heading as a place; nothing where it may be somebody's: places are kept and shown."""
    return "" if redact.find(heading) or len(heading) > 120 else f'heading "{heading}"'


def _levels(packed: zipfile.ZipFile) -> dict[str, int]:
    """The level of each style that is a heading's, by its id."""
    if _STYLES not in packed.namelist():
        return {}
    names: dict[str, str] = {}
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    with packed.open(_STYLES) as styles:
        for style in ElementTree.parse(styles).iter():
            if _name(style) != "style":
                continue
            one = _value(style, "styleId")
            told = {_name(child): child for child in style}
            names[one] = _value(told["name"], "val") if "name" in told else ""
            based[one] = _value(told["basedOn"], "val") if "basedOn" in told else ""
            outline = next((child for child in style.iter() if _name(child) == "outlineLvl"), None)
            found = _HEADING.match(names[one])
            if found or names[one].casefold() == "title":
                levels[one] = int(found[1]) + 1 if found else 1
            elif outline is not None and _value(outline, "val").isdigit() and int(_value(outline, "val")) < 9:
                levels[one] = int(_value(outline, "val")) + 2
    for one, other in based.items():
        if one not in levels and other in levels:
            levels[one] = levels[other]
    return levels


def _body(body: IO[bytes], levels: dict[str, int]) -> Iterator[tuple[int, str, int]]:
    """Number, text and level of each paragraph and table that does not stand inside another."""
    for number, element in enumerate(_outer(body), 1):
        is_table = _name(element) == "tbl"
        text = _table(element) if is_table else _text(element)
        level = 0 if is_table else _level(element, levels)
        if text.strip():
            mark = "- " if not level and _is_listed(element) else ""
            yield number, " ".join(text.split()) if level else f"{mark}{text.strip()}", level


def _outer(body: IO[bytes]) -> Iterator[Element]:
    """Paragraphs and tables as they end; what was read is let go of, so that memory is bounded."""
    above: list[Element] = []
    inside = held = 0
    for event, element in ElementTree.iterparse(body, events=("start", "end")):
        block = _name(element) in ("p", "tbl")
        if event == "start":
            above.append(element)
            inside, held = inside + block, held + 1
            if len(above) > _DEEPEST or held > _MOST:
                raise ValueError("its parts stand too deep inside each other, or too many in one paragraph")
            continue
        above.pop()
        inside -= block
        if not inside:
            if block:
                yield element
            if above:
                above[-1].clear()
            held = 0


def _text(element: Element) -> str:
    """The words of a paragraph; those of a text box inside it on lines of their own."""
    out: list[str] = []
    for child in element:
        name = _name(child)
        if name == "t":
            out.append(child.text or "")
        elif name in _BLANKS:
            out.append(_BLANKS[name])
        elif name not in _UNSEEN:
            out += ["\n", _text(child), "\n"] if name == "p" else [_text(child)]
    return "".join(out)


def _table(table: Element) -> str:
    """A line for each row, bars between its cells."""
    rows = [
        [" ".join(_text(cell).split()) for cell in row.iter() if _name(cell) == "tc"]
        for row in table.iter()
        if _name(row) == "tr"
    ]
    return "\n".join(" | ".join(row) for row in rows if any(row))


def _level(paragraph: Element, levels: dict[str, int]) -> int:
    style = _told(paragraph, "pStyle")
    outline = _told(paragraph, "outlineLvl")
    if outline.isdigit():
        return int(outline) + 2 if int(outline) < 9 else 0
    return levels.get(style, 0)


def _is_listed(paragraph: Element) -> bool:
    if _told(paragraph, "pStyle").casefold().startswith("list"):
        return True
    return any(_name(one) == "numPr" for part in paragraph if _name(part) == "pPr" for one in part)


def _told(paragraph: Element, name: str) -> str:
    found = (one for part in paragraph if _name(part) == "pPr" for one in part if _name(one) == name)
    return next((_value(one, "val") for one in found), "")


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(element: Element, name: str) -> str:
    return element.get(f"{_W}{name}") or element.get(f"{_STRICT}{name}") or ""
