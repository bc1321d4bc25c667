"""Lines of a text file, with those that are not in its encoding named."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from tunewright.core.types import Problem
from tunewright.data.ports import Tell
from tunewright.runtime.lazy import require

_LOOK = 1 << 18
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


def lines(path: Path, encoding: str, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    """Line numbers from 1 with the text, or None where it is not in the encoding (told)."""
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
        yield from _utf8(path, name, tell)
    else:
        yield from _other(path, encoding, name, tell)


def _utf8(path: Path, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    guess: str | None = None
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                guess = guess or guessed(path)
                tell(_undecodable(f"{name} line {number}", line, error, guess))
                yield number, None
                if number == 1 and line.startswith(_WIDE):
                    return


def _undecodable(where: str, line: bytes, error: UnicodeDecodeError, guess: str) -> Problem:
    return Problem(
        where=where,
        what=f"this line is not valid UTF-8 (byte 0x{line[error.start]:02x} at column {error.start + 1})",
        fix=f"save the file as UTF-8, or give the source the option `encoding`; it looks like {guess}",
    )


def _other(path: Path, encoding: str, name: str, tell: Tell) -> Iterator[tuple[int, str | None]]:
    number = 0
    try:
        with path.open(encoding=encoding, newline="") as file:
            for number, line in enumerate(file, 1):
                yield number, line
    except (UnicodeError, LookupError) as error:
        fix = f"the file looks like {guessed(path)}"
        tell(
            Problem(where=f"{name} line {number + 1}", what=f"cannot be read as {encoding}: {error}", fix=fix)
        )


def guessed(path: Path) -> str:
    """The encoding that the beginning of a file looks like."""
    with path.open("rb") as file:
        found = require("charset_normalizer", extra="all").from_bytes(file.read(_LOOK)).best()
    return "no known encoding" if found is None else str(found.encoding)
