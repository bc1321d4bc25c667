"""The messages of an export as its table has them, and which of its columns is what."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tunewright.core.types import Problem
from tunewright.data.ports import PLACE, Tell
from tunewright.data.sources.kinds import inner

if TYPE_CHECKING:
    from tunewright.data.sources.threads import Threads

NAMES: dict[str, tuple[str, ...]] = {
    "thread": (
        *("thread_id", "thread", "conversation_id", "conversation", "ticket_id", "ticket", "ticket_number"),
        *("case_id", "case_number", "case", "chat_id", "session_id", "session", "dialogue_id", "dialog_id"),
        *("issue_id", "discussion_id", "channel_id", "channel", "room"),
    ),
    "speaker": (
        *("speaker", "sender", "author", "from", "sender_name", "author_name", "from_name", "speaker_name"),
        *(
            "user_name",
            "username",
            "user",
            "name",
            "participant",
            "actor",
            "sender_id",
            "author_id",
            "user_id",
        ),
    ),
    "role": (
        "role",
        "sender_type",
        "author_type",
        "speaker_type",
        "user_type",
        "from_type",
        "party",
        "direction",
    ),
    "recipient": ("recipient", "receiver", "to", "recipient_id", "receiver_id", "to_id"),
    "text": (
        *("text", "message", "body", "content", "utterance", "comment", "msg", "message_text", "plain_body"),
        *("comment_body", "description", "reply"),
    ),
    "time": (
        *(
            "time",
            "timestamp",
            "created_at",
            "created",
            "date",
            "datetime",
            "sent_at",
            "sent",
            "ts",
            "date_time",
        ),
        *("posted_at", "create_time", "created_time", "created_date"),
    ),
    "outcome": ("outcome", "status", "state", "resolution", "disposition", "ticket_status"),
    "messages": ("messages", "turns", "comments", "posts", "events", "log", "conversation"),
}
"""Customary names of columns, by role."""

_NOBODY = ("system", "event", "note")
"""Speakers whose messages say what happened, not what somebody said."""


class Message(NamedTuple):
    """One message as the table has it."""

    place: str
    text: str
    thread: str = ""
    speaker: str = ""
    role: str = ""
    recipient: str = ""
    time: str = ""
    outcome: str = ""


class Table:
    """Reads a table, and tells what is wrong with it."""

    def __init__(self, source: Threads, tell: Tell) -> None:
        self.source, self.tell = source, tell
        self.roles: dict[str, str] = {}
        """Role → column."""

    def wrong(self, what: str, fix: str, place: str = "", *, fatal: bool = True) -> None:
        """Tell one thing that is wrong, or, if not `fatal`, that a person should know."""
        where = f"{self.source.path} {place}".rstrip()
        self.tell(Problem(where=where, what=what, fix=fix, fatal=fatal))

    def messages(self, project: Path) -> list[Message]:
        """Every message that has a text; the table is read to its end in any case."""
        found: list[Message] = []
        shared: dict[str, str] = {}
        left = 0
        for batch in inner(self.source.path, self.source.options).read(project, self.tell):
            rows = batch.to_pylist()
            if not self.roles and not self._detect(rows):
                return []
            for place, values in self._flat(rows):
                one = self._message(place, values, shared)
                if one is None or one.role.casefold() in _NOBODY or one.speaker.casefold() in _NOBODY:
                    left += 1
                else:
                    found.append(one)
        if left:
            what = f"{left} messages without a text, or that nobody says, are left out"
            self.wrong(what, "nothing needs to be done", fatal=False)
        return found

    def _detect(self, rows: list[dict[str, Any]]) -> bool:
        """Find the column of each role in the first rows; False where there is no text (told)."""
        have = dict.fromkeys(name for row in rows for name in row if name != PLACE)
        self.roles = _named(have)
        lists = self.source.columns.get("messages") or self.roles.pop("messages", "")
        inside = dict.fromkeys(key for row in rows for one in _list(row.get(lists)) for key in one)
        if inside:
            outer = {role: name for role, name in self.roles.items() if role in ("thread", "outcome")}
            self.roles = {"thread": "id" if "id" in have else PLACE, **_named(inside), **outer}
            self.roles["messages"] = lists
        self.roles |= self.source.columns
        problems = list(self._problems({**have, **inside}))
        for what, fix in problems:
            self.wrong(what, fix)
        return not problems

    def _problems(self, have: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        listing = ", ".join(f"`{name}`" for name in have)
        for role, name in self.source.columns.items():
            if role not in NAMES:
                yield f"`{role}` is no role of a column", f"roles are {', '.join(NAMES)}"
            elif name not in have:
                yield f"there is no column `{name}`", f"there are {listing}"
        for role, other in (("text", "text"), ("speaker", "role")):
            if not {role, other} & self.roles.keys():
                fix = f"name it: `columns: {{{role}: …}}`; there are {listing}"
                yield f"no column is known to hold the {role}", fix

    def _flat(self, rows: list[dict[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Messages of rows that hold whole conversations, with what stands beside them; else the rows."""
        lists = self.roles.get("messages")
        for row in rows:
            if not lists:
                yield row[PLACE], row
                continue
            beside = {name: value for name, value in row.items() if name != lists}
            for one in _list(row.get(lists)):
                yield row[PLACE], {**beside, **one}

    def _message(self, place: str, values: Mapping[str, Any], shared: dict[str, str]) -> Message | None:
        def cell(role: str) -> str:
            value = values.get(self.roles.get(role, ""))
            text = "" if value is None else str(value).strip()
            return shared.setdefault(text, text)

        text = values.get(self.roles["text"])
        if not isinstance(text, str) or not text.strip():
            return None
        time = values.get(self.roles.get("time", ""))
        one = Message(
            place,
            text,
            cell("thread"),
            cell("speaker"),
            cell("role"),
            cell("recipient"),
            "" if time is None else str(time).strip(),
            cell("outcome"),
        )
        if "thread" in self.roles and not one.thread:
            self.wrong(
                f"`{self.roles['thread']}` is empty", "say which conversation the message belongs to", place
            )
            return None
        return one


def looks_like_messages(names: Iterable[str]) -> bool:
    """True if columns of these names hold one message a row: who says what, and in which thread or when."""
    found = _named(dict.fromkeys(names))
    return bool("text" in found and found.keys() & {"speaker", "role"} and found.keys() & {"thread", "time"})


def _named(have: Mapping[str, object]) -> dict[str, str]:
    """The column of each role by its name: `Ticket ID` and `ticketId` are `ticket_id`."""
    plain = {_plain(name): name for name in reversed(tuple(have))}
    found = {role: next((plain[one] for one in names if one in plain), "") for role, names in NAMES.items()}
    return {role: name for role, name in found.items() if name}


def _plain(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"\W+", "_", spaced).casefold()


def _list(value: object) -> list[dict[str, Any]]:
    """The messages in a list of them, or in lists of lists; empty where it is none."""
    if not isinstance(value, str) or not value.startswith("["):
        return []
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        return []
    flat = itertools.chain.from_iterable(one if isinstance(one, list) else [one] for one in found)
    return [one for one in flat if isinstance(one, dict)]
