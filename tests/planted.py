"""Personal values of every kind to plant in sources, and the search for them in what was written."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from tunewright.runtime.redact import checksums

FIRST = ("Maria", "Derek", "Susan", "Thomas", "Angela", "Patrick", "Helen", "George", "Laura", "Stephen")
LAST = (
    "Schmidt",
    "Holinka",
    "Baranova",
    "Lindqvist",
    "Mitchell",
    "Kowalski",
    "Hoffmann",
    "Petersen",
    "Moreau",
    "Rossi",
)


def _checked(body: str, rule: Callable[[str], bool]) -> str:
    return next(body + last for last in "0123456789" if rule(body + last))


def planted(count: int = 200) -> Iterator[tuple[str, str]]:
    """Values of every kind with a sentence around each, none twice."""
    chance = random.Random(7)

    def number(size: int) -> str:
        return str(chance.randrange(10 ** (size - 1), 10**size))

    def ssn() -> str:
        return f"{chance.randrange(100, 600)}-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}"

    def iban() -> str:
        body = number(18)
        return next(f"DE{two:02d}{body}" for two in range(98) if checksums.mod97(f"DE{two:02d}{body}"))

    makers: list[Callable[[int], tuple[str, str]]] = [
        lambda n: (f"{FIRST[n % 10]} {LAST[n // 10 % 10]}", "My name is {} and I wait."),
        lambda n: (f"{chance.choice(FIRST).lower()}{number(6)}@mail.example.org", "Please write to {} soon."),
        lambda n: (_checked("4" + number(14), checksums.luhn), "I lost my card {} yesterday."),
        lambda n: (f"+49 30 {number(7)}", "You can call me at {} in the evening."),
        lambda n: (ssn(), "My social security number is {} as you know."),
        lambda n: (iban(), "Transfer it to {} please."),
        lambda n: (
            f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
            "It fails from {} today.",
        ),
        lambda n: (f"https://portal.example.org/u/{number(8)}", "Look at {} for it."),
        lambda n: (
            f"AKIA{''.join(chance.choices('ABCDEFGHIJKLMNOP234567', k=16))}",
            "The key is {} by the way.",
        ),
        lambda n: (f"{number(4)} Willow Creek Road", "Send it to {} instead."),
        lambda n: (f"ghp_{''.join(chance.choices('abcdefXYZ0123456789', k=36))}", "My token {} leaked."),
        lambda n: (f"C{number(8)}", "My passport number is {} there."),
        lambda n: (":".join(f"{chance.randrange(256):02x}" for _ in range(6)), "The device {} is mine."),
        lambda n: (
            f"{chance.randrange(1, 28)}/{chance.randrange(1, 12)}/19{chance.randrange(40, 99)}",
            "I was born on {} there.",
        ),
        lambda n: (number(9), "My account number is {} still."),
        lambda n: (f"K{number(7)}", "My driver's license number is {} too."),
    ]
    seen: set[str] = set()
    n = 0
    while len(seen) < count:
        value, frame = makers[n % len(makers)](n)
        n += 1
        if value not in seen:
            seen.add(value)
            yield value, frame.format(value)


def everything_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file as text, Parquet decompressed."""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
        if path.is_file():
            yield path, path.read_bytes().decode("utf-8", errors="replace")


def leaks(values: list[str], folder: Path) -> list[str]:
    found = []
    for path, text in everything_in(folder):
        folded = text.casefold()
        found += [f"{path.name}: {value}" for value in values if value.casefold() in folded]
    return found
