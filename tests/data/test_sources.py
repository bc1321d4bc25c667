"""Sources read what is there and name every line that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tunewright.core.errors import SpecError
from tunewright.core.types import Problem
from tunewright.data.ports import PLACE, Source
from tunewright.data.sources.csv import Csv
from tunewright.data.sources.jsonl import Jsonl
from tunewright.data.sources.parquet import Parquet
from tunewright.runtime.plugins import Named, make


def read(source: Source, folder: Path) -> tuple[list[dict[str, Any]], list[Problem]]:
    problems: list[Problem] = []
    rows = [row for batch in source.read(folder, problems.append) for row in batch.to_pylist()]
    return rows, problems


def test_every_broken_line_of_a_jsonl_file_is_named_in_one_pass(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "a"}\n{"text": \n\n[1]\n{"text": "\xe9"}\nnull\n{"text": "b"}'
    )
    rows, problems = read(Jsonl(path="a.jsonl"), tmp_path)
    assert rows == [{PLACE: "line 1", "text": "a"}, {PLACE: "line 7", "text": "b"}]
    assert [problem.where for problem in problems] == [f"a.jsonl line {n}" for n in (2, 4, 5, 6)]
    assert all(problem.what and problem.fix for problem in problems)


def test_a_json_array_is_read_item_by_item(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[\n {"n": 1, "m": [{"role": "user"}]},\n 2\n]')
    rows, problems = read(Jsonl(path="a.json"), tmp_path)
    assert rows == [{PLACE: "item 1", "n": "1", "m": '[{"role":"user"}]'}]
    assert problems[0].where == "a.json item 2"


def test_a_json_file_with_an_object_a_line_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"text": "a"}\n{"text": "b"}\n')
    assert [row["text"] for row in read(Jsonl(path="a.json"), tmp_path)[0]] == ["a", "b"]


def test_one_object_that_is_no_list_of_examples_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"PlayMusic": [{"data": []}]}, indent=2))
    rows, problems = read(Jsonl(path="a.json"), tmp_path)
    assert (rows, len(problems)) == ([], 1)


def test_quoted_line_ends_stay_in_the_text_and_lines_are_counted_right(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'text,label\r\n"two\nlines",x\r\nshort\r\n"he said ""hi""",y\r\n')
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert rows == [
        {PLACE: "line 2", "text": "two\nlines", "label": "x"},
        {PLACE: "line 5", "text": 'he said "hi"', "label": "y"},
    ]
    assert [problem.where for problem in problems] == ["a.csv line 4"]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    (tmp_path / "a.csv").write_text(f"text{delimiter}label\na{delimiter}b\n")
    assert read(Csv(path="a.csv"), tmp_path)[0] == [{PLACE: "line 2", "text": "a", "label": "b"}]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file_silently(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('text,label\na,x\n"b,y\nc,z\n')
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert [row["text"] for row in rows] == ["a"]
    assert [problem.where for problem in problems] == ["a.csv line 3"]


@pytest.mark.parametrize("header", ['"text,label', '"te"xt,label', f"text,{'x' * 200_000}"])
def test_a_header_that_is_broken_is_named(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"{header}\na,x\n")
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert rows == [] and [problem.where for problem in problems] == ["a.csv line 1"]


@pytest.mark.parametrize("delimiter", ["||", "", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(SpecError, match="string should"):
        make("sources", Named(name="csv", options={"path": "a.csv", "delimiter": delimiter}))


@pytest.mark.parametrize("value", ["42", "null", '"text"'])
def test_a_json_file_of_one_plain_value_is_a_problem(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.json").write_text(value)
    rows, problems = read(Jsonl(path="a.json"), tmp_path)
    assert rows == [] and [problem.where for problem in problems] == ["a.json line 1"]


def test_a_file_in_another_encoding_is_named_and_can_be_read_by_an_option(tmp_path: Path) -> None:
    text = "text,label\n" + "la réponse était très différente à l'école,x\n" * 5
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert rows == [] and len(problems) == 5 and "encoding" in problems[0].fix
    rows, problems = read(Csv(path="a.csv", encoding="cp1252"), tmp_path)
    assert len(rows) == 5 and not problems and rows[0]["text"].startswith("la réponse")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbftext,label\na,b\n")
    assert set(read(Csv(path="a.csv"), tmp_path)[0][0]) == {PLACE, "text", "label"}


def test_a_utf16_file_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("text,label\na,b\n".encode("utf-16"))
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert rows == [] and len(problems) == 1
    assert read(Csv(path="a.csv", encoding="utf-16"), tmp_path)[0] == [
        {PLACE: "line 2", "text": "a", "label": "b"}
    ]


def test_parquet_gives_the_same_text_columns(tmp_path: Path) -> None:
    table = pa.table({"text": ["a", None], "n": [1, 2], "m": [[{"role": "user"}], []]})
    pq.write_table(table, tmp_path / "a.parquet")
    rows, problems = read(Parquet(path="a.parquet"), tmp_path)
    assert rows[0] == {PLACE: "row 1", "text": "a", "n": "1", "m": '[{"role":"user"}]'}
    assert rows[1]["text"] is None and not problems


def test_what_is_no_number_in_a_parquet_file_is_empty(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": [float("nan"), 1.5, None]}), tmp_path / "a.parquet")
    rows, _ = read(Parquet(path="a.parquet"), tmp_path)
    assert [row["label"] for row in rows] == [None, "1.5", None]


def test_a_broken_parquet_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    assert read(Parquet(path="a.parquet"), tmp_path)[1][0].where == "a.parquet"


def test_the_line_by_which_excel_is_told_the_delimiter_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"sep=;\r\ntext;label\r\na, b;x\r\n;\r\nc\r\n")
    rows, problems = read(Csv(path="a.csv"), tmp_path)
    assert rows[0] == {PLACE: "line 3", "text": "a, b", "label": "x"}
    assert [(one.where, one.what) for one in problems] == [("a.csv line 5", "1 value for 2 columns")]


def test_lines_above_the_header_are_told_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Report of March,,\ntext,label,\na,x,\n")
    rows, (problem,) = read(Csv(path="a.csv"), tmp_path)
    assert rows == [] and "no name" in problem.what and "lines above" in problem.fix


def test_too_few_values_in_a_line_are_no_matter_of_delimiters_in_values(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na\nb,c,d\n")
    _, (few, many) = read(Csv(path="a.csv"), tmp_path)
    assert "line end" in few.fix and "delimiter in quotes" in many.fix


def test_line_ends_of_an_old_mac_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\ra,x\rb,y\r")
    rows, (problem,) = read(Csv(path="a.csv"), tmp_path)
    assert rows == [] and "carriage return" in problem.what and "line ends" in problem.fix
