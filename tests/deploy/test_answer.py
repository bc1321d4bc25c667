"""A file of questions becomes the same file with answers."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy.test_respond import desk
from tunewright.core.errors import DataError, EngineError, TooLong, TunewrightError, WorkspaceError
from tunewright.core.types import Delta, Request
from tunewright.deploy import tables
from tunewright.deploy.answer import BATCH, Answered, AnswerSpec, answer_file
from tunewright.deploy.respond import Specialist
from tunewright.testing.echo import Echo, EchoEngine


@dataclass(frozen=True)
class Failing(EchoEngine):
    """Fails at one question, and remembers all it was asked."""

    options: Echo = field(default_factory=Echo)
    at: str = ""
    error: TunewrightError = field(default_factory=lambda: EngineError("the child died"))
    asked: list[str] = field(default_factory=list)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        question = request.messages[-1].content
        self.asked.append(question)
        if question == self.at:
            raise self.error
        async for delta in super().stream(request):
            yield delta


def failing(at: str = "", error: TunewrightError | None = None) -> tuple[Specialist, Failing]:
    engine = Failing(at=at, error=error or EngineError("the child died"))
    return replace(desk(), engine=engine), engine


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_gets_one_more_column(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", 'id,text\n1,"where, now"\n2,"two\nlines ""here"""\n')
    done = answer_file(desk(), given, tmp_path / "out.csv")
    assert done == Answered(tmp_path / "out.csv", questions=2, kept=0)
    with done.path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0] == {"id": "1", "text": "where, now", "answer": "where, now"}
    assert rows[1]["answer"] == 'two\nlines "here"'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_a_byte_order_mark_are_understood(tmp_path: Path, delimiter: str) -> None:
    given = write(tmp_path / "in.csv", f"\ufeffquestion{delimiter}id\na, b{delimiter}1\n")
    answer_file(desk(), given, tmp_path / "out.csv")
    want = [["question", "id", "answer"], ["a, b", "1", "a, b"]]
    assert (tmp_path / "out.csv").read_text() == "".join(delimiter.join(row) + "\n" for row in want)


def test_a_jsonl_file_keeps_its_values_and_their_types(tmp_path: Path) -> None:
    lines = [{"id": 1, "text": "Grüße 🌍", "deep": {"a": [1.5, None]}}, {"id": 2, "text": "hi"}]
    given = write(tmp_path / "in.jsonl", "\n".join(json.dumps(line) for line in lines) + "\n\n")
    answer_file(desk(), given, tmp_path / "out.jsonl", AnswerSpec(into="said"))
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert found == [{**line, "said": line["text"]} for line in lines]


def test_conversations_are_asked_without_their_last_answer(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    given = write(tmp_path / "in.jsonl", json.dumps({"messages": turns}) + "\n")
    answer_file(desk(), given, tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_text())["answer"] == "one"


def test_what_was_answered_before_a_failure_is_not_asked_again(tmp_path: Path) -> None:
    questions = [f"question {number}" for number in range(BATCH + 20)]
    given = write(tmp_path / "in.csv", "text\n" + "\n".join(questions) + "\n")
    broken, first = failing(at=f"question {BATCH + 5}")
    with pytest.raises(EngineError) as caught:
        answer_file(broken, given, tmp_path / "out.csv")
    assert caught.value.problems[0].where == f"{given} line {BATCH + 7}"
    assert not (tmp_path / "out.csv").exists()
    mended, second = failing()
    done = answer_file(mended, given, tmp_path / "out.csv")
    assert done.kept >= BATCH
    assert len(second.asked) == len(questions) - done.kept
    assert set(second.asked) <= set(questions[BATCH:]) <= {*first.asked, *second.asked}
    with done.path.open(newline="") as file:
        assert [row["answer"] for row in csv.DictReader(file)] == questions


def test_a_half_written_line_of_progress_is_asked_again(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "text\na\nü b\nc\n")
    broken, _ = failing(at="c")
    with pytest.raises(EngineError):
        answer_file(broken, given, tmp_path / "out.csv")
    progress = tmp_path / "out.csv.progress.jsonl"
    kept = progress.read_bytes().splitlines(keepends=True)[:2]
    progress.write_bytes(b"".join(kept) + '{"place": 1, "answer": "ü'.encode()[:-1])
    mended, engine = failing()
    assert answer_file(mended, given, tmp_path / "out.csv").kept == 1
    assert len(engine.asked) == 2
    with (tmp_path / "out.csv").open(newline="") as file:
        assert [row["answer"] for row in csv.DictReader(file)] == ["a", "ü b", "c"]


def test_progress_of_another_input_is_not_mixed_in(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "text\na\nb\n")
    broken, _ = failing(at="b")
    with pytest.raises(EngineError):
        answer_file(broken, given, tmp_path / "out.csv")
    write(given, "text\na\nc\n")
    with pytest.raises(WorkspaceError, match="unfinished answers"):
        answer_file(desk(), given, tmp_path / "out.csv")


def test_a_question_that_does_not_fit_is_named_by_its_line(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "text\nshort\n\nlong\n")
    broken, _ = failing("long", TooLong("it does not fit", fix="shorten it"))
    with pytest.raises(TooLong) as caught:
        answer_file(broken, given, tmp_path / "out.csv")
    assert caught.value.problems[0].where == f"{given} line 4"


def test_progress_is_told_and_an_output_is_replaced_only_if_asked(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "text\na\nb\n")
    seen: list[tuple[int, int]] = []
    answer_file(desk(), given, tmp_path / "out.csv", told=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(DataError, match="exists already") as caught:
        answer_file(desk(), given, tmp_path / "out.csv")
    assert caught.value.problems[0].fix == "name another file with `--output`"
    answer_file(desk(), given, tmp_path / "out.csv", AnswerSpec(overwrite=True))
    with pytest.raises(DataError, match="exists already"):
        answer_file(desk(), given, given, AnswerSpec(overwrite=True))


BAD: list[tuple[str, str, str, str]] = [
    ("in.csv", "", "there is nothing to answer", ""),
    ("in.csv", "text\n", "there is nothing to answer", ""),
    ("in.csv", "text,id\na,1\nb\n", "1 fields where the header has 2", " line 3"),
    ("in.csv", "text,id\na,1\n ,2\n", "the question is empty", " line 3"),
    ("in.csv", "a,b\nx,y\n", "no column is known", " line 2"),
    ("in.csv", "text,text\nx,y\n", "stands there twice", " line 1"),
    ("in.csv", "text,answer\nx,y\n", "there is a column `answer` already", " line 2"),
    ("in.csv", 'text\n"a"b\n', "broken CSV", " line 2"),
    ("in.jsonl", '{"text": "a"}\n{"text": \n', "broken JSON", " line 2"),
    ("in.jsonl", "[1]\n", "no JSON object", " line 1"),
    ("in.jsonl", '{"text": 5}\n', "the question is empty", " line 1"),
    ("in.jsonl", '{"messages": [{"role": "wizard"}]}\n', "a turn is not", " line 1"),
    ("in.jsonl", '{"messages": []}\n', "no turn to answer", " line 1"),
    ("in.txt", "a\n", "is no kind of file", ""),
]


@pytest.mark.parametrize(("name", "text", "what", "where"), BAD)
def test_a_file_that_cannot_be_asked_is_named_with_its_line(
    tmp_path: Path, name: str, text: str, what: str, where: str
) -> None:
    given = write(tmp_path / name, text)
    with pytest.raises(DataError, match=what) as caught:
        answer_file(desk(), given, tmp_path / f"out{given.suffix}")
    assert caught.value.problems[0].where == f"{given}{where}"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_all_lines_that_cannot_be_asked_are_named_at_once(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "text,id\n,1\nfine,2\n,3\n")
    with pytest.raises(DataError) as caught:
        answer_file(desk(), given, tmp_path / "out.csv")
    assert [problem.where for problem in caught.value.problems] == [f"{given} line {n}" for n in (2, 4)]


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"text\nfine\n\xff\n")
    with pytest.raises(DataError, match="not valid UTF-8") as caught:
        answer_file(desk(), tmp_path / "in.csv", tmp_path / "out.csv")
    assert caught.value.problems[0].where.endswith("line 3")


def test_a_misspelt_column_is_answered_with_the_nearest(tmp_path: Path) -> None:
    given = write(tmp_path / "in.csv", "message,id\na,1\n")
    with pytest.raises(DataError) as caught:
        answer_file(desk(), given, tmp_path / "out.csv", AnswerSpec(column="mesage"))
    assert caught.value.problems[0].fix == "did you mean `message`?"
    answer_file(desk(), given, tmp_path / "out.csv", AnswerSpec(column="message"))


def test_a_missing_file_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        answer_file(desk(), tmp_path / "in.csv", tmp_path / "out.csv")


fields = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)
rows = st.lists(st.tuples(fields, fields), min_size=1, max_size=5)


@settings(deadline=None)
@given(rows)
def test_whatever_stands_in_a_csv_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("csv")
    want = [["text", "note"], *([f"q{a}", b] for a, b in rows)]
    with (folder / "in.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(want)
    table = tables.read(folder / "in.csv", column=None, into="answer")
    tables.write(table, "answer", ["a, b"] * len(rows), folder / "out.csv")
    with (folder / "out.csv").open(newline="", encoding="utf-8") as file:
        found = list(csv.reader(file))
    assert [row[:2] for row in found] == want
    assert {row[2] for row in found[1:]} == {"a, b"}
