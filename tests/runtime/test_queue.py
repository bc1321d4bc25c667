"""The queue: nobody gets what another has, and what was acknowledged stays."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from tunewright.core.errors import WorkspaceError
from tunewright.runtime.queue import LEASE, Answer, Item, Queue, Suggestion, open_queue
from tunewright.runtime.queue.tables import VERSION, metadata


def items(count: int, **more: object) -> list[Item]:
    return [
        Item.model_validate({"id": f"i{n}", "payload": {"text": f"text {n}"}, **more}) for n in range(count)
    ]


def take(queue: Queue, who: str, *, now: float = 0.0, holder: str | None = None) -> str | None:
    found = queue.take(who, holder or who, now=now)
    return found.id if found else None


def give(queue: Queue, item: str, who: str, value: str = "x", *, kind: str = "given") -> None:
    answer = Answer.model_validate({"annotator": who, "kind": kind, "value": value})
    queue.give(item, answer, who)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    found = open_queue(tmp_path / "folder" / "labels.sqlite", "label")
    found.add(items(3))
    return found


def test_an_item_in_hand_is_kept_for_its_person_and_then_free_again(queue: Queue) -> None:
    assert (take(queue, "ana"), take(queue, "ben"), take(queue, "ana")) == ("i0", "i1", "i0")
    assert take(queue, "ana", holder="another window") == "i2"
    assert take(queue, "cleo") is None
    assert take(queue, "cleo", now=LEASE + 1) == "i0"


def test_an_item_is_answered_by_as_many_people_as_it_wants(queue: Queue) -> None:
    queue.add(items(1, id="both", wanted=2, priority=1.0))
    for who in ("ana", "ben", "cleo"):
        first = take(queue, who)
        assert first is not None
        give(queue, first, who)
    answered = {item.id: sorted(one.annotator for one in item.answers) for item in queue.items()}
    assert answered == {"i0": ["cleo"], "i1": [], "i2": [], "both": ["ana", "ben"]}


def test_who_is_unsure_or_skips_leaves_the_item_to_others(queue: Queue) -> None:
    give(queue, "i0", "ana", kind="unsure")
    give(queue, "i1", "ana", kind="skipped")
    assert (take(queue, "ana"), take(queue, "ben")) == ("i2", "i0")


def test_undo_hands_the_last_item_out_again_and_nothing_is_lost(queue: Queue) -> None:
    give(queue, "i0", "ana", "a")
    give(queue, "i1", "ana", "b")
    undone = queue.undo("ana", "ana", now=0.0)
    assert undone is not None and (undone.id, undone.answers) == ("i1", ())
    assert take(queue, "ana") == "i1"
    assert queue.undo("ben", "ben", now=0.0) is None


def test_a_second_answer_of_a_person_stands_in_place_of_the_first(queue: Queue) -> None:
    give(queue, "i0", "ana", "a")
    give(queue, "i0", "ana", "b")
    give(queue, "i0", "ana", "c", kind="decided")
    assert [(one.kind, one.value) for one in queue.items()[0].answers] == [("given", "b"), ("decided", "c")]


def test_priorities_come_first_and_suggestions_are_no_answers(queue: Queue) -> None:
    queue.prioritise({"i2": 2.0, "i1": 1.0})
    queue.suggest({"i2": Suggestion(value="x", confidence=0.5, by="m")})
    found = queue.take("ana", "ana", now=0.0)
    assert found is not None and (found.id, found.answers) == ("i2", ())
    queue.prioritise({"i1": 1.0})
    assert take(queue, "ben") == "i1"


def test_a_known_item_stays_as_it_is(queue: Queue) -> None:
    give(queue, "i0", "ana")
    assert queue.add([*items(4, wanted=2), *items(1)]) == 1
    assert queue.items()[0].wanted == 1
    assert len(queue.items()[0].answers) == 1


def test_questions_do_not_meet(queue: Queue, tmp_path: Path) -> None:
    other = open_queue(tmp_path / "folder" / "labels.sqlite", "better")
    other.add(items(1))
    assert (len(other.items()), len(queue.items())) == (1, 3)
    assert (take(other, "ana", holder="h"), take(queue, "ana", holder="h2")) == ("i0", "i0")


def test_what_one_person_said_can_be_forgotten_and_leaves_no_bytes(queue: Queue, tmp_path: Path) -> None:
    queue.add([Item(id="p", payload={"text": "from Erika Mustermann"})])
    give(queue, "i1", "ana", "note of Erika Mustermann")
    give(queue, "i1", "ana", "something else")
    assert queue.forget(lambda text: "Mustermann" in text) == 2
    assert [item.id for item in queue.items()] == ["i0", "i2"]
    queue.close()
    left = b"".join(path.read_bytes() for path in (tmp_path / "folder").iterdir())
    assert b"Mustermann" not in left


def test_an_item_that_is_not_there_cannot_be_answered(queue: Queue) -> None:
    with pytest.raises(WorkspaceError, match="no such item"):
        give(queue, "nowhere", "ana")


def test_a_damaged_file_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(WorkspaceError) as caught:
        open_queue(path, "label")
    assert caught.value.problems[0].where == str(path)


def test_the_migrations_make_the_tables_that_the_code_reads(queue: Queue, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'folder' / 'labels.sqlite'}")
    found = sa.inspect(engine)
    for table in metadata.tables.values():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
        assert {index["name"] for index in found.get_indexes(table.name)} == {i.name for i in table.indexes}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == VERSION


WORKER = """
import sys, time
from pathlib import Path
from tunewright.runtime.queue import Answer, open_queue
path, who = Path(sys.argv[1]), sys.argv[2]
queue = open_queue(path, "label")
print("ready", flush=True)
sys.stdin.readline()
while (item := queue.take(who, who, now=time.time())) is not None:
    queue.give(item.id, Answer(annotator=who, value=item.payload["text"]), who)
    print(item.id, flush=True)
"""


def worker(path: Path, who: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), who],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_share_a_new_file_and_no_item_is_lost_or_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    people = [worker(path, "ana"), worker(path, "ben")]
    for one in people:
        assert one.stdout is not None and one.stdout.readline() == "ready\n"
    queue = open_queue(path, "label")
    queue.add([*items(30), Item(id="both", payload={"text": "both"}, wanted=2)])
    said = [one.communicate("go\n", timeout=60)[0].split() for one in people]
    counts = Counter(name for lines in said for name in lines)
    assert all(said)
    assert counts == Counter({**{f"i{n}": 1 for n in range(30)}, "both": 2})
    assert all(len(item.answers) == item.wanted for item in queue.items())


def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "labels.sqlite"
    queue = open_queue(path, "label")
    queue.add(items(2000))
    one = worker(path, "ana")
    assert one.stdin is not None and one.stdout is not None
    one.stdout.readline()
    one.stdin.write("go\n")
    one.stdin.flush()
    acknowledged = [one.stdout.readline().strip() for _ in range(25)]
    one.send_signal(signal.SIGKILL)
    acknowledged += one.communicate()[0].split()
    kept = {item.id for item in queue.items() if item.answers}
    assert set(acknowledged) <= kept
    assert len(kept) - len(acknowledged) in (0, 1)
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert take(queue, "ben", now=1e12) not in kept
