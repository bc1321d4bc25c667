"""The queue in SQLite by SQLAlchemy: one short transaction a call, synced before it returns."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from tunewright.core.errors import WorkspaceError
from tunewright.runtime.queue import LEASE, Answer, Item, Suggestion
from tunewright.runtime.queue.tables import VERSION, answers, items, leases
from tunewright.runtime.workspace import writable

T = TypeVar("T", Item, Answer)

_WAIT = 60
"""Seconds to wait for another process that is writing."""
_stands = answers.c.withdrawn.is_(False)


def open_records(path: Path, question: str) -> Records:
    """Open or make the file, brought to the newest tables; raises `WorkspaceError`."""
    with writable(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": _WAIT})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _lock)
    records = Records(engine, path, question)
    with records.transaction() as connection:
        _migrate(connection)
    return records


def _configure(connection: sqlite3.Connection, _: object) -> None:
    """What a person gave is synced at each commit; what is deleted is overwritten."""
    connection.isolation_level = None  # transactions begin below, not when the driver thinks so
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _lock(connection: Connection) -> None:
    """Every transaction may write: taking the lock at once, two of them can never block each other."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(connection: Connection) -> None:
    if sa.inspect(connection).has_table("alembic_version"):
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if found == VERSION:
            return
    from alembic import command, config  # noqa: PLC0415 - a third of a second, for a new file only

    settings = config.Config()
    settings.set_main_option("script_location", "tunewright.runtime.queue:migrations")
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


@dataclass(frozen=True)
class Records:
    """The items of one question; see `Queue` for what the methods promise."""

    engine: Engine
    path: Path
    question: str

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction that has the file for itself."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise WorkspaceError(
                f"the answers cannot be read or written: {error.orig}",
                where=str(self.path),
                fix="if it is damaged, bring back a copy: it holds what people answered",
            ) from None

    def add(self, new: Iterable[Item]) -> int:
        """Add items with their answers."""
        with self.transaction() as connection:
            known = set(connection.scalars(sa.select(items.c.id).where(self._mine())))
            once: dict[str, Item] = {}
            for item in new:
                once.setdefault(item.id, item)
            fresh = [item for name, item in once.items() if name not in known]
            for item in fresh:
                made = connection.scalar(items.insert().values(**self._row(item)).returning(items.c.seq))
                rows = [_answer(made, answer) for answer in item.answers]
                if rows:
                    connection.execute(answers.insert(), rows)
        return len(fresh)

    def items(self) -> list[Item]:
        """Every item with the answers that stand."""
        with self.transaction() as connection:
            return self._read(connection, self._mine())

    def take(self, annotator: str, holder: str, *, now: float) -> Item | None:
        """The next item for a person."""
        with self.transaction() as connection:
            connection.execute(leases.delete().where(leases.c.until <= now))
            held = sa.select(leases.c.item).join(items).where(self._mine(), leases.c.holder == holder)
            found: int | None = connection.scalar(held) or connection.scalar(self._next(annotator))
            if found is None:
                return None
            _hold(connection, found, annotator, holder, now)
            return self._read(connection, items.c.seq == found)[0]

    def hold(self, item: str, annotator: str, holder: str, *, now: float) -> Item | None:
        """Keep one item for a person, answered or not."""
        with self.transaction() as connection:
            connection.execute(leases.delete().where(leases.c.until <= now))
            found = connection.scalar(sa.select(items.c.seq).where(self._mine(), items.c.id == item))
            others = sa.and_(leases.c.item == found, leases.c.holder != holder)
            if found is None or connection.scalar(sa.select(leases.c.item).where(others)):
                return None
            _hold(connection, found, annotator, holder, now)
            return self._read(connection, items.c.seq == found)[0]

    def give(self, item: str, answer: Answer, holder: str = "") -> None:
        """Keep an answer and let the item go."""
        with self.transaction() as connection:
            found = connection.scalar(sa.select(items.c.seq).where(self._mine(), items.c.id == item))
            if found is None:
                raise WorkspaceError(
                    "there is no such item", where=item, fix="take one that the queue has handed out"
                )
            decision = (answers.c.kind == "decided") == (answer.kind == "decided")
            same = sa.and_(answers.c.item == found, answers.c.annotator == answer.annotator, decision)
            connection.execute(answers.update().where(same).values(withdrawn=True))
            connection.execute(answers.insert().values(**_answer(found, answer)))
            connection.execute(leases.delete().where(leases.c.item == found, leases.c.holder == holder))

    def undo(self, annotator: str, holder: str, *, now: float, decided: bool = False) -> Item | None:
        """Withdraw the person's last answer and hand the item out again."""
        decision = answers.c.kind == "decided"
        last = (
            sa.select(answers.c.seq, answers.c.item)
            .join(items)
            .where(
                self._mine(), _stands, answers.c.annotator == annotator, decision if decided else ~decision
            )
            .order_by(answers.c.seq.desc())
            .limit(1)
        )
        with self.transaction() as connection:
            found = connection.execute(last).first()
            if found is None:
                return None
            connection.execute(answers.update().where(answers.c.seq == found.seq).values(withdrawn=True))
            connection.execute(leases.delete().where(leases.c.holder == holder))
            _hold(connection, found.item, annotator, holder, now)
            return self._read(connection, items.c.seq == found.item)[0]

    def release(self, holder: str) -> None:
        """Let go of what a session holds."""
        with self.transaction() as connection:
            connection.execute(leases.delete().where(leases.c.holder == holder))

    def suggest(self, suggestions: Mapping[str, Suggestion]) -> None:
        """Set what a machine would answer."""
        self._set("suggestion", {name: found.model_dump() for name, found in suggestions.items()})

    def prioritise(self, priorities: Mapping[str, float]) -> None:
        """Set the priority of these items, and that of all others to 0."""
        self._set("priority", priorities, others=0.0)

    def forget(self, holds: Callable[[str], bool]) -> int:
        """Delete the items that hold something."""
        with self.transaction() as connection:
            said = connection.execute(sa.select(answers.c.item, answers)).all()
            found = {row[0] for row in said if holds(" ".join(map(str, row)))}
            shown = connection.execute(sa.select(items.c.seq, items.c.payload, items.c.suggestion)).all()
            found |= {row[0] for row in shown if holds(json.dumps(list(row), ensure_ascii=False))}
            for seq in found:
                for column in (answers.c.item, leases.c.item, items.c.seq):
                    connection.execute(column.table.delete().where(column == seq))
        with contextlib.closing(self.engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log holds the old pages
        return len(found)

    def close(self) -> None:
        """Close the file."""
        self.engine.dispose()

    def _mine(self) -> sa.ColumnElement[bool]:
        return items.c.question == self.question

    def _row(self, item: Item) -> dict[str, Any]:
        return {**item.model_dump(exclude={"answers"}), "question": self.question}

    def _set(self, column: str, values: Mapping[str, Any], others: object = None) -> None:
        change = items.update().where(self._mine(), items.c.id == sa.bindparam("key"))
        with self.transaction() as connection:
            if others is not None:
                connection.execute(items.update().where(self._mine()).values({column: others}))
            if values:
                change = change.values({column: sa.bindparam("to")})
                connection.execute(change, [{"key": key, "to": value} for key, value in values.items()])

    def _next(self, annotator: str) -> sa.Select[int]:
        """What may be handed to this person, the first in order."""
        own = sa.exists().where(_of_item(answers), _stands, answers.c.annotator == annotator)
        decided = sa.exists().where(_of_item(answers), _stands, answers.c.kind == "decided")
        elsewhere = sa.exists().where(_of_item(leases), leases.c.annotator == annotator)
        given = _count(answers).where(_of_item(answers), _stands, answers.c.kind == "given")
        held = _count(leases).where(_of_item(leases))
        return (
            sa.select(items.c.seq)
            .where(self._mine(), ~own, ~decided, ~elsewhere)
            .where(given.scalar_subquery() + held.scalar_subquery() < items.c.wanted)
            .order_by(items.c.priority.desc(), items.c.seq)
            .limit(1)
        )

    def _read(self, connection: Connection, which: sa.ColumnElement[bool]) -> list[Item]:
        found = connection.execute(sa.select(items).where(which).order_by(items.c.seq)).mappings().all()
        said = sa.select(answers).join(items).where(which, _stands).order_by(answers.c.seq)
        of_item: dict[int, list[Answer]] = {}
        for row in connection.execute(said).mappings():
            of_item.setdefault(row["item"], []).append(_pick(Answer, row))
        return [_pick(Item, row, answers=tuple(of_item.get(row["seq"], ()))) for row in found]


def _of_item(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.item == items.c.seq


def _count(table: sa.Table) -> sa.Select[int]:
    return sa.select(sa.func.count()).select_from(table).correlate(items)


def _hold(connection: Connection, item: int, annotator: str, holder: str, now: float) -> None:
    connection.execute(leases.delete().where(leases.c.item == item, leases.c.holder == holder))
    row = {"item": item, "holder": holder, "annotator": annotator, "until": now + LEASE}
    connection.execute(leases.insert().values(**row))


def _answer(item: object, answer: Answer) -> dict[str, Any]:
    return {**answer.model_dump(), "item": item, "withdrawn": False}


def _pick(kind: type[T], row: sa.RowMapping, **more: object) -> T:
    known = {name: row[name] for name in kind.model_fields if name in row}
    return kind.model_validate({**known, **more})
