"""API keys: made once, kept as hashes, with what each may do and how much."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import ValidationError

from tunewright.core.errors import DeployError, WorkspaceError
from tunewright.core.types import Frozen
from tunewright.runtime.workspace import Workspace, atomic_write

FILE = "keys.json"
LOCK = "keys"
PREFIX = "tw-"

Scope = Literal["answer", "models", "metrics"]
"""Ask for answers; list the models; read the server's figures."""
SCOPES: tuple[Scope, ...] = get_args(Scope)


class Key(Frozen):
    """What is kept of a key: enough to know it again, too little to use it."""

    name: str
    sha256: str
    """Of the key itself, which has 256 random bits, so that no salt and no slow hash is needed."""
    scopes: tuple[Scope, ...] = ("answer", "models")
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None
    """Of questions and answers together, a day of UTC."""
    made: dt.datetime


class Keys(Frozen):
    """All keys of a project."""

    schema_version: int = 1
    keys: tuple[Key, ...] = ()


class NewKey(Frozen):
    """A key that was just made; its secret is told this once."""

    secret: str
    key: Key


@dataclass(frozen=True)
class Keychain:
    """The keys that lie in a file."""

    workspace: Workspace

    def create(
        self,
        name: str,
        *,
        scopes: tuple[str, ...] = ("answer", "models"),
        requests_per_minute: int | None = None,
        tokens_per_day: int | None = None,
    ) -> NewKey:
        """Make a key; raises `DeployError` where the name is taken or a setting makes no sense."""
        _check(name, scopes, requests_per_minute, tokens_per_day)
        secret = PREFIX + secrets.token_urlsafe(32)
        key = Key.model_validate(
            {
                "name": name,
                "sha256": hashed(secret),
                "scopes": tuple(dict.fromkeys(scopes)),
                "requests_per_minute": requests_per_minute,
                "tokens_per_day": tokens_per_day,
                "made": dt.datetime.now(dt.UTC),
            }
        )
        with self._held():
            known = self.list()
            if any(one.name == name for one in known):
                fix = "take another name, or `tunewright keys revoke` the old one first"
                raise DeployError("there is a key of this name", where=name, fix=fix)
            self._write((*known, key))
        return NewKey(secret=secret, key=key)

    def list(self) -> tuple[Key, ...]:
        """Every key, the newest last."""
        return read(self.path)

    def revoke(self, name: str) -> tuple[Key, ...]:
        """Take a key away, from running servers too; returns those that are left."""
        with self._held():
            known = self.list()
            left = tuple(one for one in known if one.name != name)
            if len(left) == len(known):
                named = ", ".join(one.name for one in known) or "none was made"
                raise DeployError("there is no key of this name", where=name, fix=f"there are: {named}")
            self._write(left)
        return left

    @property
    def path(self) -> Path:
        """The file."""
        return self.workspace.root / FILE

    def _write(self, keys: tuple[Key, ...]) -> None:
        atomic_write(self.path, Keys(keys=keys).model_dump_json(indent=1).encode())

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        with self.workspace.lock(LOCK):
            yield


def read(path: Path) -> tuple[Key, ...]:
    """The keys of a file, none where it was never written; raises `WorkspaceError`."""
    try:
        return Keys.model_validate_json(path.read_bytes()).keys
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        fix = "restore it, or delete it and make the keys again: without it nobody needs one"
        raise WorkspaceError("the file of keys cannot be read", where=str(path), fix=fix) from error


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str, scopes: tuple[str, ...], requests: int | None, tokens: int | None) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        fix = "take up to 64 letters, digits, dots, dashes and underscores"
        raise DeployError("this cannot be the name of a key", where=name, fix=fix)
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        what = f"unknown scopes: {', '.join(unknown)}" if unknown else "a key without a scope opens nothing"
        raise DeployError(what, where=name, fix=f"the scopes are {', '.join(SCOPES)}")
    if any(bound is not None and bound < 1 for bound in (requests, tokens)):
        raise DeployError("a bound below 1 lets nothing in", where=name, fix="leave it out, or raise it")
