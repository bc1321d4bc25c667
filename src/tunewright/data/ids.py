"""Ids of examples: names that say what stands in them, and that no two examples share."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.runtime.lazy import require

_WIDTH = 16
_BEGINNING = 24
"""Bits of a digest by which most of those that were never added are told at once."""


@dataclass
class Seen:
    """A set of 64-bit digests in eight bytes each, as sorted runs that are merged as they grow.

    Nearly every digest is new: only one that begins like another (a flag for each beginning, 16 MiB) is
    searched for.
    """

    runs: list[Any] = field(default_factory=list)
    _begun: Any = None

    def add(self, digests: Any) -> Any:  # noqa: ANN401 - numpy arrays of uint64 and of bool
        """Add them; True where a digest was there already, or stands earlier in the array."""
        np = require("numpy", extra="all")
        order = np.argsort(digests, kind="stable")
        kept = digests[order]
        again = np.zeros(len(digests), bool)
        again[1:] = kept[1:] == kept[:-1]
        maybe = self._met(kept)
        again[maybe] |= self.has(kept[maybe])  # sorted: quicker to search for
        if not again.all():
            self.runs = _merged([*self.runs, kept[~again]])
        known = np.zeros(len(digests), bool)
        known[order] = again
        return known

    def _met(self, digests: Any) -> Any:  # noqa: ANN401 - numpy arrays
        """True where a digest that begins so was added; from now on true for these."""
        np = require("numpy", extra="all")
        if self._begun is None:
            self._begun = np.zeros(1 << _BEGINNING, bool)
        beginnings = (digests >> np.uint64(64 - _BEGINNING)).astype(np.intp)
        met = self._begun[beginnings]
        self._begun[beginnings] = True
        return met

    def has(self, digests: Any) -> Any:  # noqa: ANN401 - numpy arrays
        """True where a digest was added before."""
        np = require("numpy", extra="all")
        known = np.zeros(len(digests), bool)
        for run in self.runs:
            places = np.searchsorted(run, digests)
            places[places == len(run)] = 0
            known |= run[places] == digests if len(run) else False
        return known


def _merged(runs: list[Any]) -> list[Any]:
    """Fewer runs of the same digests: each more than twice as long as the next."""
    np = require("numpy", extra="all")
    last = runs.pop()
    while runs and len(runs[-1]) <= 2 * len(last):
        last = np.sort(np.concatenate([runs.pop(), last]), kind="stable")  # merges what is sorted
    return [*runs, last]


def digests(texts: Any, seeds: Sequence[int] | None = None) -> Any:  # noqa: ANN401 - Arrow to numpy
    """XXH3-64 of each text with its seed, as uint64. Nulls count as empty."""
    np, xxh3 = require("numpy", extra="all"), require("xxhash", extra="all").xxh3_64_digest
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[
        texts.offset : texts.offset + len(texts) + 1
    ].tolist()
    content = memoryview(texts.buffers()[2] or b"")
    parts = map(content.__getitem__, map(slice, offsets[:-1], offsets[1:]))
    found = b"".join(map(xxh3, parts, itertools.repeat(0) if seeds is None else seeds))
    return np.frombuffer(found, ">u8").astype(np.uint64)


def seed(turns: Sequence[tuple[str, str]]) -> int:
    """What tells conversations apart whose contents read the same one behind the other.

    For a question and its answer the length of the question in UTF-8, else XXH3-64 of roles and lengths.
    """
    sizes = [(role, len(content.encode())) for role, content in turns]
    if [role for role, _ in turns] == ["user", "assistant"]:
        return sizes[0][1]
    listing = " ".join(f"{role} {size}" for role, size in sizes).encode()
    return int(require("xxhash", extra="all").xxh3_64_intdigest(listing))


def names(digests: Any) -> Any:  # noqa: ANN401 - a numpy array of uint64; an Arrow array of strings
    """Each digest in sixteen hexadecimal letters."""
    np, pa = require("numpy", extra="all"), require("pyarrow", extra="all")
    letters = digests.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, len(letters) + 1, _WIDTH, dtype=np.int32)
    return pa.StringArray.from_buffers(len(digests), pa.py_buffer(offsets), pa.py_buffer(letters))
