"""From tokens to text as they come: whole characters only, and nothing from a stop text on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"
"""What a decoder writes for bytes that are no whole character (yet)."""


class Writer:
    """The text of one answer; what has been given out never changes afterwards."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str] = ()) -> None:
        self.stopped = False
        """Whether a stop text was met."""
        self._decode = decode
        self._stops = tuple(stop for stop in stops if stop)
        self._ids: list[int] = []
        self._window = 0
        self._read = 0
        self._held = ""

    def push(self, token: int) -> str:
        """Text that is certain after this token."""
        self._ids.append(token)
        text = self._new()
        if text.endswith(UNFINISHED):
            return ""
        self._window, self._read = self._read, len(self._ids)
        return self._release(text)

    def say(self, text: str) -> str:
        """Text whose tokens nobody knows, certain as it stands."""
        self._window = self._read = len(self._ids)
        return self._release(text)

    def end(self) -> str:
        """What was still held back; an unfinished character is left out."""
        if self.stopped:
            return ""
        text = self._release(self._new().rstrip(UNFINISHED))
        rest, self._held = self._held, ""
        return text if self.stopped else text + rest

    def _new(self) -> str:
        # Tokens are decoded together with those before them: some tokenizers write a word's
        # leading space only when something stands in front of it.
        before = self._decode(self._ids[self._window : self._read])
        return self._decode(self._ids[self._window :])[len(before) :]

    def _release(self, text: str) -> str:
        text = self._held + text
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.stopped, self._held = True, ""
            return text[: min(places)]
        keep = max((overlap(text, stop) for stop in self._stops), default=0)
        cut = len(text) - keep
        self._held = text[cut:]
        return text[:cut]


def overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that a stop text begins with."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
