"""Exports of tickets and chats become conversations that end with an answer of ours."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.data.unmasked import Found, unmasked

from tunewright.core.types import Dataset, Problem
from tunewright.data.sources.conversations import Conversations, Said
from tunewright.data.times import months_first, slashed
from tunewright.runtime import examples as on_disk
from tunewright.runtime.plugins import Named

Run = Callable[..., Dataset]
DATASETS = Path(__file__).parents[3] / "shared" / "datasets"
HEAD = ("Ticket ID", "Author", "Author Type", "Body", "Created At", "Status")
TICKETS = [
    ("7", "Anna", "customer", "my parcel is late", "2026-03-01 10:00", "Resolved"),
    ("8", "Bob", "customer", "how do I return it?", "2026-03-01 10:02", "open"),
    ("7", "Anna", "customer", "it is number 55", "2026-03-01 10:01", "Resolved"),
    ("7", "Sam", "agent", "it comes tomorrow", "2026-03-01 10:05", "Resolved"),
    ("8", "Sam", "agent", "use the form", "2026-03-01 10:09", "open"),
    ("8", "Bob", "customer", "which form?", "2026-03-01 10:10", "open"),
    ("8", "Cid", "customer", "I have it", "2026-03-01 10:11", "open"),
    ("8", "Sam", "agent", "that one", "2026-03-01 10:12", "open"),
    ("7", "Anna", "customer", "thanks", "2026-03-01 11:00", "Resolved"),
    ("9", "Dan", "customer", "anyone?", "2026-03-02 10:00", ""),
]


def table(rows: list[tuple[str, ...]], head: tuple[str, ...] = HEAD) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([head, *rows])
    return out.getvalue()


def read(folder: Path, content: str | None = None, name: str = "tickets.csv", **options: object) -> Found:
    (folder / name).write_text(table(TICKETS) if content is None else content, encoding="utf-8")
    return unmasked(Named(name="threads", options={"path": name, **options}), folder)


def said(found: Found) -> list[list[str]]:
    return [[f"{turn.role}: {turn.content}" for turn in one.messages] for one in found.first]


def test_messages_become_conversations_in_the_order_of_their_times(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert said(found) == [
        ["user: my parcel is late\nit is number 55", "assistant: it comes tomorrow"],
        [
            "user: how do I return it?",
            "assistant: use the form",
            "user: which form?\n\nI have it",
            "assistant: that one",
        ],
    ]
    assert [one.source for one in found.first] == ["tickets.csv line 2", "tickets.csv line 3"]
    assert [one.tags for one in found.first] == [("outcome:resolved",), ("outcome:open",)]


def test_what_is_left_out_is_told_once(tmp_path: Path) -> None:
    cut, silent = read(tmp_path).problems
    assert "1 of 3 conversations end with a turn that nobody answers" in cut.what and not cut.fatal
    assert "1 of 3 conversations have no answer" in silent.what and silent.where == "tickets.csv line 11"


def test_each_answer_can_be_an_example_and_those_of_a_thread_are_one_group(tmp_path: Path) -> None:
    found = read(tmp_path, each=True)
    assert [len(turns) for turns in said(found)] == [2, 2, 4]
    assert [one.group for one in found.first] == ["7", "8", "8"]


def test_names_of_others_can_be_kept_in(tmp_path: Path) -> None:
    found = read(tmp_path, names=True)
    assert said(found)[1][2] == "user: Bob: which form?\n\nCid: I have it"
    assert "Sam:" not in str(said(found))


def test_who_speaks_for_us_can_be_named(tmp_path: Path) -> None:
    found = read(tmp_path, assistant=["an*", "BOB"])
    assert said(found) == [
        ["user: it comes tomorrow", "assistant: thanks"],
        ["user: use the form", "assistant: which form?"],
    ]


def test_nobody_to_speak_for_us_is_told_without_names(tmp_path: Path) -> None:
    content = table([("7", "Anna", "x"), ("7", "Sam", "y")], ("thread", "sender", "text"))
    (problem,) = read(tmp_path, content).problems
    assert problem.where == "tickets.csv" and "`sender`" in problem.what and "2 names" in problem.what
    assert "Anna" not in problem.what + problem.fix and "assistant" in problem.fix
    assert "`assistant`" in read(tmp_path, content, assistant="nobody").problems[0].what


def test_columns_can_be_named_and_wrong_ones_are_told(tmp_path: Path) -> None:
    content = table([("a", "me", "q"), ("a", "desk", "a")], ("t", "w", "s"))
    columns = {"thread": "t", "speaker": "w", "text": "s"}
    assert said(read(tmp_path, content, columns=columns, assistant="desk")) == [["user: q", "assistant: a"]]
    found = read(tmp_path, content, columns={"thread": "nope", "colour": "t"}, assistant="desk")
    told = " ".join(one.what for one in found.problems)
    assert "no column `nope`" in told and "`colour` is no role" in told and "hold the text" in told


CHAT = [
    ("anna", "hello", "1772359200"),
    ("agent", "hi", "1772359260"),
    ("anna", "where is it?", "1772359320"),
    ("agent", "here", "1772359380"),
    ("bob", "and mine?", "1772359440"),
    ("agent", "there", "1772359500"),
    ("anna", "me again", "1772369500"),
    ("agent", "yes?", "1772369560"),
]


def test_without_a_thread_a_silence_or_somebody_new_begins_a_conversation(tmp_path: Path) -> None:
    found = read(tmp_path, table(CHAT, ("sender", "message", "timestamp")))
    assert [len(turns) for turns in said(found)] == [4, 2, 2]
    assert read(tmp_path, table(CHAT, ("sender", "message", "timestamp")), gap=100_000).examples == 3


def test_with_a_recipient_two_people_have_their_conversation(tmp_path: Path) -> None:
    rows = [
        ("a", "me", "1", "12:00"),
        ("b", "me", "2", "12:01"),
        ("me", "a", "3", "12:02"),
        ("me", "b", "4", "12:03"),
    ]
    content = table([(*row[:3], f"01.03.2026 {row[3]}") for row in rows], ("from", "to", "text", "date"))
    assert said(read(tmp_path, content, assistant="me")) == [
        ["user: 1", "assistant: 3"],
        ["user: 2", "assistant: 4"],
    ]


def test_without_a_thread_and_a_time_nothing_can_be_cut(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, table([("agent", "x")], ("role", "text"))).problems
    assert "thread" in problem.what and "columns" in problem.fix


def test_bad_rows_are_told_with_their_line(tmp_path: Path) -> None:
    rows = [
        *TICKETS[:4],
        ("", "Bob", "customer", "lost", "2026-03-01 10:02", ""),
        ("7", "Sam", "agent", "x", "soon", ""),
    ]
    found = read(tmp_path, table(rows))
    assert [one.where for one in found.problems if one.fatal] == ["tickets.csv line 6", "tickets.csv line 7"]
    assert "`Ticket ID` is empty" in found.problems[0].what and "time_form" in found.problems[1].fix


def test_a_row_may_hold_a_whole_conversation(tmp_path: Path) -> None:
    turns = [[{"text": "q", "sender": "c"}], [{"text": "a", "sender": "bot"}, {"text": "b", "sender": "bot"}]]
    rows = [{"id": n, "messages": turns, "status": "closed"} for n in range(2)]
    found = read(tmp_path, "\n".join(map(json.dumps, rows)), "chats.jsonl", each=True)
    assert said(found) == [["user: q", "assistant: a\nb"]] * 2
    assert [one.group for one in found.first] == ["0", "1"] and found.first[0].tags == ("outcome:closed",)


@pytest.mark.skipif(not DATASETS.exists(), reason="needs ../shared/datasets")
def test_real_chat_logs_are_read_once_it_is_told_who_speaks_for_us() -> None:
    options = {"path": "chitchat_logs/conversations.jsonl"}
    assert "392 names" in unmasked(Named(name="threads", options=options), DATASETS).problems[0].what
    mine = {**options, "assistant": ["31267496-*", "549cc1d1-*", "720840be-*"]}
    found = unmasked(Named(name="threads", options=mine), DATASETS)
    assert found.examples > 100 and not any(one.fatal for one in found.problems)


def test_an_export_is_split_by_customer_and_filtered_by_outcome(project: Path, run_in: Run) -> None:
    words = ["parcel", "refund", "card", "invoice", "form", "plan", "login", "price", "window", "colour"]
    rows = []
    for n in range(60):
        asked = f"{words[n % 10]} {words[n // 10]} of {n * 7919}"
        rows += [
            (
                str(n),
                f"c{n % 15}",
                "customer",
                f"about my {asked}?",
                f"2026-03-01 10:{n:02d}",
                ("solved", "open")[n % 2],
            )
        ]
        rows += [
            (
                str(n),
                "Sam",
                "agent",
                f"the {asked} is right",
                f"2026-03-01 11:{n:02d}",
                ("solved", "open")[n % 2],
            )
        ]
    (project / "tickets.csv").write_text(table(rows))
    dataset = run_in(
        task="chat",
        sources=[{"threads": {"path": "tickets.csv"}}],
        columns={"group": "customer"},
        transforms=["outcome"],
    )
    parts = {name: on_disk.read(dataset, name) for name in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == 30
    assert all(one.tags == ("outcome:solved",) for part in parts.values() for one in part)
    groups = [{one.group for one in part} for part in parts.values()]
    assert groups[0].isdisjoint(groups[1] | groups[2])
    (change,) = json.loads((dataset.path / "changes.json").read_bytes())
    assert (change["name"], change["dropped"]) == ("outcome", 30)
    assert change["kinds"] == {"dropped: outcome “open”": 30}


@pytest.mark.parametrize("other", ["25/3/2026 10:00", "3/25/26, 9:05 pm", "3/4/2026"])
def test_a_date_with_slashes_is_read_as_the_others_of_its_column(tmp_path: Path, other: str) -> None:
    rows = [("1", "c", "q", "1/2/2026 9:00"), ("1", "agent", "a", other)]
    found = read(tmp_path, table(rows, ("thread", "role", "text", "date")))
    assert found.examples == (other != "3/4/2026")
    assert any("time_form" in one.fix for one in found.problems) == (other == "3/4/2026")


@pytest.mark.parametrize(
    ("text", "month_first", "time"),
    [
        ("25/3/26, 9:05 pm", False, dt.datetime(2026, 3, 25, 21, 5, tzinfo=dt.UTC)),
        ("3/4/2026", True, dt.datetime(2026, 3, 4, tzinfo=dt.UTC)),
        ("3-4-2026 10:11:12", False, dt.datetime(2026, 4, 3, 10, 11, 12, tzinfo=dt.UTC)),
        ("soon", False, None),
    ],
)
def test_slashes_are_read_the_way_that_is_told(
    text: str, month_first: bool, time: dt.datetime | None
) -> None:
    assert slashed(text, month_first) == time
    assert months_first([text]) is (False if "25" in text else None)


THREAD = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12)


@given(THREAD, st.booleans())
def test_a_conversation_alternates_and_ends_with_an_answer(
    thread: list[tuple[str, bool]], each: bool
) -> None:
    made = Conversations("x", each=each, names=False)
    messages = [Said(who + str(ours), f"m{n}", ours, f"line {n}") for n, (who, ours) in enumerate(thread)]
    told: list[Problem] = []
    rows = list(made.rows("1", messages))
    made.close(told.append)
    for _, values in rows:
        turns: list[dict[str, str]] = values["messages"]  # type: ignore[assignment]
        roles = [turn["role"] for turn in turns]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        texts = [text for turn in turns for text in turn["content"].split()]
        assert texts == sorted(texts, key=lambda text: int(text[1:]))
    assert bool(rows) != any("no answer" in one.what for one in told)


def test_a_table_of_messages_is_told_how_to_be_read_and_names_are_no_groups(tmp_path: Path) -> None:
    read(tmp_path)
    (problem,) = unmasked("tickets.csv", tmp_path).problems
    assert "`threads: {path: tickets.csv}`" in problem.fix
    source = Named(name="threads", options={"path": "tickets.csv"})
    groups = [one.group for one in unmasked(source, tmp_path, columns={"group": "customer"}).first]
    assert len(set(groups)) == 2 and not {"Anna", "Bob"} & set(groups)
