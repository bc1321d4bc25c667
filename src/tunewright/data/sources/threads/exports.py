"""From the messages of an export to conversations: who speaks for us, and which belong together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.data.ports import Row, Tell
from tunewright.data.sources.conversations import Conversations, Said, is_one_of
from tunewright.data.sources.threads.table import Message, Table
from tunewright.data.times import months_first, parsed, slashed

if TYPE_CHECKING:
    from tunewright.data.sources.threads import Threads

_OURS = (
    *("agent", "assistant", "support", "bot", "chatbot", "staff", "operator", "representative", "rep"),
    *("advisor", "adviser", "employee", "outbound", "outgoing", "helpdesk", "service", "admin", "csr"),
)
"""Customary words for who speaks for us."""

_GAP = 60.0
"""Minutes of silence after which people speak of something else, where no column tells."""


Timed = tuple[Message, dt.datetime | None]
Ours = frozenset[tuple[str, str]]
"""Speaker and role of those who speak for us."""


def read(source: Threads, project: Path, tell: Tell) -> Iterator[Row]:
    """The conversations of an export, in the order in which they begin in it."""
    table = Table(source, tell)
    messages = table.messages(project)
    ours = _ours(table, messages)
    timed = _timed(table, messages) if ours else []
    made = Conversations(source.path, source.each, source.names)
    for key, thread in _threads(timed, table.roles, source.gap, ours):
        said = [
            Said(one.speaker or one.role, one.text.strip(), _who(one) in ours, one.place, time, one.outcome)
            for one, time in thread
        ]
        yield from made.rows(key, said)
    made.close(tell)


def _who(one: Message) -> tuple[str, str]:
    return one.speaker, one.role


def _ours(table: Table, messages: Sequence[Message]) -> Ours:
    """Who speaks for us; empty where nobody does (told). A customary role says more than a name."""
    everybody = {_who(one) for one in messages}
    given = table.source.assistant
    by_role = {who for who in everybody if is_one_of(who[1], given or _OURS)}
    by_name = {who for who in everybody if is_one_of(who[0], given or _OURS)}
    found = by_role | by_name if given else by_role or by_name
    if everybody and not found:
        columns = " and ".join(f"`{table.roles[one]}`" for one in ("speaker", "role") if one in table.roles)
        fix = "name who speaks for you: `assistant: [NAME, …]`, or a pattern such as `support*`"
        if given:
            table.wrong(f"nobody in `assistant` stands in {columns}", f"{fix}, as it stands there")
        else:
            count = len({name for name, _ in everybody})
            table.wrong(f"{columns} does not tell who speaks for you: it holds {count} names", fix)
    return frozenset(found)


def _timed(table: Table, messages: Sequence[Message]) -> list[Timed]:
    """Each message with its time; those whose time is none are told."""
    column = table.roles.get("time")
    if column is None and "thread" not in table.roles:
        fix = "name one: `columns: {thread: …}` or `columns: {time: …}`"
        table.wrong("no column names the thread, and none the time", fix)
        return []
    first = months_first(one.time for one in messages)
    found: list[Timed] = []
    for one in messages:
        time = parsed(one.time, table.source.time_form) if column else None
        if time is None and first is not None and table.source.time_form is None:
            time = slashed(one.time, first)
        if column and time is None:
            fix = "give the source the option `time_form`, such as `%d/%m/%Y %H:%M`"
            table.wrong(f"what stands in `{column}` is no time that is known", fix, one.place)
        else:
            found.append((one, time))
    return found


def _threads(
    messages: Sequence[Timed], roles: Mapping[str, str], gap: float | None, ours: Ours
) -> Iterator[tuple[str, list[Timed]]]:
    """Key and messages of each conversation, in the order of their times.

    Without a column for the thread, it is cut from what two people write each other, or from all there is.
    """
    together: dict[object, list[Timed]] = {}
    for one in messages:
        pair = frozenset((one[0].speaker, one[0].recipient)) if "recipient" in roles else None
        together.setdefault(one[0].thread if "thread" in roles else pair, []).append(one)
    known = bool(roles.keys() & {"thread", "recipient"})
    for key, found in together.items():
        found.sort(key=lambda one: one[1] or dt.datetime.min.replace(tzinfo=dt.UTC))
        minutes = gap or (None if "thread" in roles else _GAP)
        for part, thread in enumerate(_cut(found, minutes, frozenset() if known else ours)):
            name = key if isinstance(key, str) else thread[0][0].place
            yield f"{name} {part + 1}" if part and name == key else name, thread


def _cut(found: Sequence[Timed], minutes: float | None, ours: Ours) -> Iterator[list[Timed]]:
    """Conversations that a silence ends, or, of those in `ours`, somebody new after an answer."""
    current: list[Timed] = []
    for one in found:
        if current and (_silent(current[-1], one, minutes) or _is_new(current, one[0], ours)):
            yield current
            current = []
        current.append(one)
    if current:
        yield current


def _silent(before: Timed, one: Timed, minutes: float | None) -> bool:
    if minutes is None or before[1] is None or one[1] is None:
        return False
    return (one[1] - before[1]).total_seconds() > 60 * minutes


def _is_new(current: Sequence[Timed], one: Message, ours: Ours) -> bool:
    """True if somebody who has not spoken yet speaks after an answer."""
    if _who(current[-1][0]) not in ours or _who(one) in ours:
        return False
    return all(other.speaker != one.speaker for other, _ in current)
