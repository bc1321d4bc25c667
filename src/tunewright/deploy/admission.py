"""Who is let in, and how much at once: keys with their scopes, rates and quotas, and room for answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tunewright.core.errors import TunewrightError
from tunewright.deploy import keys
from tunewright.deploy.keys import Key, Scope
from tunewright.deploy.spec import ServeSpec

MINUTE, DAY = 60.0, 86400.0
BUSY_SECONDS = 1.0
"""After which a client may ask again where all room is taken."""


class Refused(TunewrightError):
    """A request is not let in."""


class NoKey(Refused):
    """It brings no key that is known here."""


class NoScope(Refused):
    """Its key may not do this."""


class TooLarge(Refused):
    """It asks for more than one request may."""


class Closing(Refused):
    """The server ends."""

    seconds: float = BUSY_SECONDS


class TooMany(Refused):
    """It comes too early; `seconds` tells when to come again."""

    seconds: float = BUSY_SECONDS


@dataclass
class Spent:
    """What is told of a request when its answers are known."""

    tokens: int = 0


@dataclass
class _Account:
    """What a key has used."""

    allowance: float
    """Requests that it may make now."""
    seen: float
    day: int = 0
    tokens: int = 0


@dataclass
class Admission:
    """The door of one server. Rates and quotas are counted by the server itself, from its start."""

    limits: ServeSpec = field(default_factory=ServeSpec)
    file: Path | None = None
    """Keys; where it is missing, nobody needs one; where the last was taken away, nobody is let in."""
    clock: Callable[[], float] = time.time
    closing: bool = False
    """Whether the server was asked to end: what is under way is finished, and nothing more is begun."""
    under_way: int = 0
    """Answers that are asked for now."""
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _known: dict[str, Key] | None = None
    _stamp: tuple[int, ...] | None = None

    @property
    def open(self) -> bool:
        """Whether anybody is let in without a key."""
        return self._keys() is None

    def admit(self, secret: str | None, scope: Scope) -> Key | None:
        """The key of a request, None where none is needed; raises `NoKey`, `NoScope` or `TooMany`."""
        known = self._keys()
        if known is None:
            return None
        key = known.get(keys.hashed(secret)) if secret else None
        if key is None:
            what = "this key is not known here" if secret else "a key is needed here"
            raise NoKey(what, where="Authorization", fix="send a header `Authorization: Bearer KEY`")
        if scope not in key.scopes:
            fix = f"make one with `--scope {scope}`"
            raise NoScope(f"the key `{key.name}` has no scope `{scope}`", where="Authorization", fix=fix)
        self._count(key)
        return key

    @contextlib.contextmanager
    def answering(self, key: Key | None, answers: int = 1) -> Iterator[Spent]:
        """Room for so many answers, given back with what they cost; raises `TooMany` or `Closing`."""
        if self.closing:
            raise Closing("the server ends", where="request", fix="ask again: another may be there by then")
        if answers > self.limits.answers:
            what = f"{answers} answers are asked for, and {self.limits.answers} are allowed at once"
            raise TooLarge(what, where="n", fix="ask for fewer")
        if self.under_way + answers > self.limits.answers:
            what = f"{self.under_way} answers are under way, and there is room for {self.limits.answers}"
            raise _too_many(what, BUSY_SECONDS)
        self.under_way += answers
        spent = Spent()
        try:
            yield spent
        finally:
            self.under_way -= answers
            if key is not None:
                self._account(key).tokens += spent.tokens

    def check(
        self, characters: int, max_tokens: int | None, *, where: str = "messages", limit: str = "max_tokens"
    ) -> None:
        """Raise `TooLarge` where what is asked, or the answer asked for, is longer than allowed.

        `where` and `limit` are what the request calls them.
        """
        if characters > self.limits.prompt_characters:
            what = f"the request has {characters} characters, and {self.limits.prompt_characters} are"
            raise TooLarge(f"{what} allowed", where=where, fix="shorten it")
        if max_tokens is not None and max_tokens > self.limits.answer_tokens:
            what = f"{max_tokens} tokens are asked for, and {self.limits.answer_tokens} are allowed"
            raise TooLarge(what, where=limit, fix="ask for fewer")

    def _count(self, key: Key) -> None:
        account = self._account(key)
        now = self.clock()
        if key.tokens_per_day is not None and account.tokens >= key.tokens_per_day:
            what = f"the key `{key.name}` has used its {key.tokens_per_day} tokens of today"
            raise _too_many(what, DAY - now % DAY)
        rate = key.requests_per_minute
        if rate is None:
            return
        # Token bucket: a burst of one minute's requests, refilled evenly.
        account.allowance = min(rate, account.allowance + max(0.0, now - account.seen) * rate / MINUTE)
        account.seen = now
        if account.allowance < 1:
            what = f"the key `{key.name}` may make {rate} requests a minute"
            raise _too_many(what, (1 - account.allowance) * MINUTE / rate)
        account.allowance -= 1

    def _account(self, key: Key) -> _Account:
        now = self.clock()
        fresh = _Account(allowance=float(key.requests_per_minute or 0), seen=now)
        account = self._accounts.setdefault(key.sha256, fresh)
        if account.day != int(now // DAY):
            account.day, account.tokens = int(now // DAY), 0
        return account

    def _keys(self) -> dict[str, Key] | None:
        """Keys by hash; read again when the file was written, so that a revoked key ends at once."""
        stamp = _stamp(self.file) if self.file is not None else None
        if self.file is None or (stamp is None and self._known is None):
            return None  # a file that vanishes while the server runs opens no door
        if stamp is not None and stamp != self._stamp:
            self._known, self._stamp = {key.sha256: key for key in keys.read(self.file)}, stamp
        return self._known


def _too_many(what: str, seconds: float) -> TooMany:
    error = TooMany(what, where="request", fix=f"ask again in {max(1, round(seconds + 0.5))} s")
    error.seconds = seconds
    return error


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
