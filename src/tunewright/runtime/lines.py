"""Text files by the line: compression, encoding, line numbers and delimiter, in bounded memory."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

from tunewright.core.types import Problem
from tunewright.runtime.lazy import require

Tell = Callable[[Problem], None]
"""Takes one bad line."""


class Block(NamedTuple):
    """Whole lines as they stand in the file, ends included."""

    first: int
    """Number of the first line."""
    ends: int
    """How many line ends it has."""
    data: bytes


COMPRESSED = (".gz", ".zst")
"""Suffixes of files that are decompressed while they are read."""

LONGEST = 1 << 25
"""Bytes that one line may have: 32 MiB."""

DELIMITERS = (",", "\t", ";", "|")

_BLOCK = 1 << 22
_LOOK = 1 << 18
_PIECE = 1 << 18
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_WIDE_NAMES = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_UTF8 = ("utf-8", "utf8", "utf-8-sig")
_MANY_ZEROS = 0.2
"""Share of zero bytes from which a file is in UTF-16 without saying so."""


def kind_of(path: str | Path) -> str:
    """The suffix that says what a file holds, in small letters: `.jsonl` for `a.jsonl.gz`."""
    name = Path(path)
    return (Path(name.stem) if name.suffix.lower() in COMPRESSED else name).suffix.lower()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[io.BufferedReader]:
    """The bytes of a file, decompressed by its suffix; `OSError` where that fails."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        with gzip.open(path, "rb") as file:
            yield cast("io.BufferedReader", file)
    elif suffix == ".zst":
        zstandard = require("zstandard", extra="all")
        with path.open("rb") as raw:
            # a frame may ask for a window of gigabytes
            reader = zstandard.ZstdDecompressor(max_window_size=1 << 27)
            packed = reader.stream_reader(raw, read_across_frames=True)
            yield io.BufferedReader(packed, _BLOCK)
    else:
        with path.open("rb") as file:
            yield file


def head(path: Path, size: int = _LOOK) -> bytes:
    """The first bytes of a file, decompressed; fewer where it is broken."""
    parts: list[bytes] = []
    with contextlib.suppress(*_broken()), opened(path) as file:
        while size > 0 and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
    return b"".join(parts)


def _broken() -> tuple[type[Exception], ...]:
    zstd: type[Exception] = require("zstandard", extra="all").ZstdError
    return (EOFError, zlib.error, gzip.BadGzipFile, zstd)


def blocks(path: Path, name: str, tell: Tell) -> Iterator[Block]:
    """The lines of a file in blocks of about 4 MiB.

    A line over `LONGEST` bytes is told and left out; a compressed file is not read on behind one, nor
    behind a place where it is broken.
    """
    number = 1
    try:
        with opened(path) as file:
            for block in _whole_lines(file):
                if block is None:
                    tell(_too_long(f"{name} line {number}"))
                    number += 1
                    if path.suffix.lower() in COMPRESSED:
                        return
                else:
                    count = _counted(block)
                    yield Block(number, count, block)
                    number += count
    except _broken() as error:
        fix = "get the file again: it is cut, or was changed on its way"
        tell(Problem(where=f"{name} line {number}", what=f"cannot be decompressed: {error}", fix=fix))


def _counted(block: bytes) -> int:
    """How many line ends a block has, in pieces that stay in the processor's cache."""
    np = require("numpy", extra="all")
    letters = np.frombuffer(block, np.uint8)
    pieces = range(0, len(letters), _PIECE)
    return sum(int(np.count_nonzero(letters[at : at + _PIECE] == ord("\n"))) for at in pieces)


def _whole_lines(file: io.BufferedReader) -> Iterator[bytes | None]:
    """Blocks of whole lines; None for a line that is too long.

    One buffer is filled again and again: memory that is fresh for each block costs more than a copy.
    """
    room = bytearray(_BLOCK)
    while size := file.readinto(room):
        block = memoryview(room)[:size]
        rest = b"" if room[size - 1] == ord("\n") else file.readline(LONGEST)
        if len(rest) < LONGEST or rest.endswith(b"\n"):
            yield b"".join((block, rest))
            continue
        if whole := bytes(block[: room.rfind(b"\n", 0, size) + 1]):
            yield whole
        yield None
        while (rest := file.readline(_BLOCK)) and not rest.endswith(b"\n"):
            """The rest of that line."""


def lines(path: Path, encoding: str, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    """Line numbers from 1 with the text, or None where it is not in the encoding (told)."""
    if is_utf8(encoding):
        for block in blocks(path, name, tell):
            if wide(block):
                tell(undecodable(f"{name} line 1", block.data, path))
                return
            yield from decoded(block, path, name, tell)
    else:
        yield from _other(path, encoding, name, tell)


def is_utf8(encoding: str) -> bool:
    """True if that is a name of UTF-8."""
    return encoding.lower().replace("_", "-") in _UTF8


def wide(block: Block) -> bool:
    """True if the file begins with the mark of UTF-16 or UTF-32."""
    return block.first == 1 and block.data.startswith(_WIDE)


def decoded(block: Block, path: Path, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    """The lines of a block in UTF-8, as `lines` gives them."""
    for place, line in enumerate(io.BytesIO(block.data), block.first):
        try:
            yield place, line.decode("utf-8-sig" if place == 1 else "utf-8")
        except UnicodeDecodeError:
            tell(undecodable(f"{name} line {place}", line, path))
            yield place, None


def undecodable(where: str, line: bytes, path: Path) -> Problem:
    """The problem of a line that is not valid UTF-8."""
    try:
        line.decode()
        at = 0
    except UnicodeDecodeError as error:
        at = error.start
    looks = guessed(path)
    fix = f"save the file as UTF-8, or give the source the option `encoding`; it looks like {looks}"
    if looks == _NEARLY:
        fix = "mend these bytes, such as by saving the file anew: the rest of it is UTF-8"
    return Problem(
        where=where,
        what=f"this line is not valid UTF-8 (byte 0x{line[at]:02x} at column {at + 1})",
        fix=fix,
    )


def _too_long(where: str) -> Problem:
    what = f"this line is longer than {LONGEST >> 20} MiB"
    return Problem(where=where, what=what, fix="cut the example into smaller ones, or take it out")


def _other(path: Path, encoding: str, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    number = 0
    try:
        with opened(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as file:
            while line := file.readline(LONGEST):
                number += 1
                if len(line) == LONGEST:
                    tell(_too_long(f"{name} line {number}"))
                    return
                yield number, line
    except (UnicodeError, LookupError) as error:
        what = f"cannot be read as {encoding}: {error}"
        fix = f"the file looks like {guessed(path)}"
        tell(Problem(where=f"{name} line {number + 1}", what=what, fix=fix))
    except _broken() as error:
        fix = "get the file again: it is cut, or was changed on its way"
        tell(Problem(where=f"{name} line {number + 1}", what=f"cannot be decompressed: {error}", fix=fix))


def guessed(path: Path) -> str:
    """The encoding that the beginning of a file looks like, the customary ones first.

    UTF-16 and UTF-32 by their mark or by their zeros; UTF-8 where nearly all of it is; then `cp1252`, the
    encoding of Western office programs, if the text fits it, else what charset-normalizer finds.
    """
    sample = head(path)
    marked = next((name for mark, name in _WIDE_NAMES.items() if sample.startswith(mark)), None)
    if marked:
        return marked
    if sample.count(0) > len(sample) * _MANY_ZEROS:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    if _nearly_utf8(sample):
        return _NEARLY
    if _western(sample):
        return "cp1252"
    found = require("charset_normalizer", extra="all").from_bytes(sample).best()
    return "no known encoding" if found is None else str(found.encoding)


_NEARLY = "UTF-8 but for a few bytes"
_BROKEN = re.compile("\ufffd+")


def _nearly_utf8(sample: bytes) -> bool:
    """True if most of what is above ASCII is valid UTF-8."""
    text = sample.decode("utf-8", "replace")
    broken = len(_BROKEN.findall(text))  # runs: half an emoji is three broken bytes
    sound = sum(letter > "\x7f" and letter != "\ufffd" for letter in text)
    return sound > 4 * broken


def _western(sample: bytes) -> bool:
    """True if the bytes above ASCII are, nearly all, letters and marks of Western Europe."""
    high = [byte for byte in sample if byte >= 0x80]
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    customary = sum(byte in _CUSTOMARY for byte in high)
    return customary >= 0.9 * len(high) and _between_letters(sample, high)


_CUSTOMARY = frozenset(
    "äöüÄÖÜßàâæçèéêëîïñóôœùûÿÀÂÇÈÉÊËÎÏÔÙÛáíúÁÍÓÚÑåøÅØãõòì€£°“”‘’–—…«»©®™¡¿§·ªº".encode("cp1252")
)


def _between_letters(sample: bytes, high: list[int]) -> bool:
    """True if the bytes above ASCII do not stand beside each other, as they do in other alphabets."""
    pairs = sum(one >= 0x80 and other >= 0x80 for one, other in itertools.pairwise(sample))
    return pairs <= 1 + 0.2 * len(high)


def delimiter(header: str) -> str:
    """The delimiter that cuts the header line of a table into the most columns."""
    return max(DELIMITERS, key=lambda one: len(_cut(header[:_LOOK], one)))


def _cut(header: str, one: str) -> list[Any]:
    try:
        return next(csv.reader([header], delimiter=one), [])
    except csv.Error:
        return []
