"""The quick way to read JSONL gives what the slow one gives; broken files give errors with their place."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from benchmarks.fuzz import looked_at, made

from tunewright.core.errors import DataError
from tunewright.core.types import Problem
from tunewright.data import to_parquet
from tunewright.data.ids import Seen
from tunewright.data.sources import jsonl
from tunewright.data.sources.jsonl import Jsonl
from tunewright.runtime import lines
from tunewright.runtime.lines import guessed

ODD = (
    *(
        '{"text": "a"}{"text": "b"}',
        '{"text": "\\ud800"}',
        '{"text": "\\u0000"}',
        '{"text": 5, "label": true}',
        "",
    ),
    *(
        '{"text": "a\tb"}',
        "[1]",
        "null",
        '{"text": }',
        '{"label": "x"}',
        '{"text": "\\ud83d\\ude00"}',
        " {} ",
    ),
    *('{"text": "a"} ', '{"other": 1}', '{"text": ["x"]}', '{"text": null}', "{", "}", '"}', '{"'),
)


def rows(folder: Path) -> tuple[list[dict[str, object]], list[Problem]]:
    problems: list[Problem] = []
    batches = Jsonl(path="a.jsonl").read(folder, problems.append)
    every = [row for batch in batches for row in batch.to_pylist()]
    found = [{name: row.get(name) for name in ("#place", "text", "label")} for row in every]
    return found, problems


@pytest.mark.parametrize("seed", range(12))
def test_blocks_read_at_once_give_what_lines_give(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(seed)
    sound = [json.dumps({"text": f"question {n}", "label": "x"}) for n in range(60)]
    for _ in range(seed % 4):
        sound.insert(draw.randrange(1, len(sound)), draw.choice(ODD))
    (tmp_path / "a.jsonl").write_text(draw.choice(("\n", "\r\n")).join(sound) + draw.choice(("", "\n")))
    monkeypatch.setattr(lines, "_BLOCK", 256)
    quick = rows(tmp_path)
    monkeypatch.setattr(jsonl, "_at_once", lambda *_: None)
    assert quick == rows(tmp_path)


def test_a_line_that_is_too_long_is_told_and_the_next_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "_BLOCK", 64)
    monkeypatch.setattr(lines, "LONGEST", 300)
    texts = ["a", "b" * 1000, "c"]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    found, problems = rows(tmp_path)
    assert [(row["#place"], row["text"]) for row in found] == [("line 1", "a"), ("line 3", "c")]
    assert [problem.where for problem in problems] == ["a.jsonl line 2"]


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    lines_ = [json.dumps({"text": f"question {n}", "label": "x"}) for n in range(9)]
    (tmp_path / "a.jsonl").write_text("\n".join(lines_))
    assert to_parquet("a.jsonl", tmp_path / "a.parquet", folder=tmp_path) == 9
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 9
    (tmp_path / "b.jsonl").write_text("\n".join([*lines_, "{"]))
    with pytest.raises(DataError) as caught:
        to_parquet("b.jsonl", tmp_path / "b.parquet", folder=tmp_path)
    assert caught.value.problems[0].where == "b.jsonl line 10"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "a.parquet", "b.jsonl"]


def test_a_set_of_digests_knows_what_was_added() -> None:
    import numpy as np

    seen, known = Seen(), set[int]()
    draw = np.random.default_rng(0)
    for _ in range(40):
        given = draw.integers(0, 500, 30).astype(np.uint64)
        want = []
        for one in given.tolist():
            want.append(one in known)
            known.add(one)
        assert seen.add(given).tolist() == want
    assert sum(map(len, seen.runs)) == len(known) and len(seen.runs) < 12


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "la réponse était très différente à l'école; Grüße aus München – 5 €\n"),
        ("cp1252", "Wo ist meine Karte? Die Überweisung fehlt.\n"),
        ("utf-16", "Grüße\n"),
        ("utf-16-le", "plain words\n"),
    ],
)
def test_the_customary_encodings_are_named_first(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "a.txt").write_bytes((text * 20).encode(encoding))
    assert guessed(tmp_path / "a.txt") == encoding


def test_two_letters_beside_each_other_are_no_sign_of_another_alphabet(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("text,label\nhällo wörld,x\nGrüße,y\n".encode("cp1252"))
    assert guessed(tmp_path / "a.txt") == "cp1252"


def test_a_utf8_file_in_which_one_emoji_is_broken_is_not_called_another_encoding(tmp_path: Path) -> None:
    whole, halves = "el niño está en España, señor, mañana", "\ud83c\udf55"
    (tmp_path / "a.txt").write_bytes(whole.encode() + halves.encode("utf-8", "surrogatepass"))
    assert guessed(tmp_path / "a.txt").startswith("UTF-8")


@pytest.mark.parametrize("number", [*range(0, 6000, 100), 498, 3999, 8999])
def test_a_broken_file_gives_examples_or_errors_with_their_place(tmp_path: Path, number: int) -> None:
    assert looked_at(made(number, tmp_path)) in ("with_examples", "refused")
