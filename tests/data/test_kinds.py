"""Every kind of file and every list of a neighbour gives the same examples."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pytest
import zstandard
from benchmarks.mutations import KINDS, workbook

from tunewright.data import look
from tunewright.runtime.plugins import Named

ROWS: list[dict[str, object]] = [{"text": f"question {n}, ä€", "label": f"topic {n % 3}"} for n in range(6)]
DATASETS = Path(__file__).parents[3] / "shared" / "datasets"


def said(source: str | Named, folder: Path) -> list[tuple[str, ...]]:
    found = look(source, folder=folder)
    assert not found.problems, found.problems
    return [tuple(turn.content for turn in one.messages) for one in found.first]


@pytest.mark.parametrize("suffix", list(KINDS))
def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(KINDS[suffix](ROWS))
    found = look(f"a{suffix}", folder=tmp_path)
    assert (found.shape, found.examples, found.problems) == ("label", 6, ())
    assert [one.messages[0].content for one in found.first] == [f"question {n}, ä€" for n in range(3)]


def test_feather_and_arrow_streams_are_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    feather.write_feather(table, tmp_path / "a.feather", compression="zstd")
    with pa.ipc.new_stream(tmp_path / "b.arrow", table.schema) as writer:
        writer.write_table(table)
    assert said("a.feather", tmp_path) == said("b.arrow", tmp_path)


def test_a_folder_is_read_file_by_file_and_places_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.jsonl").write_bytes(KINDS[".jsonl"](ROWS[3:]))
    (tmp_path / "in" / "a.csv.gz").write_bytes(KINDS[".csv.gz"](ROWS[:1]))
    (tmp_path / "in" / "notes.docx").write_text("not read")
    found = look("in", folder=tmp_path)
    assert found.examples == 4 and found.first[0].source == "in a.csv.gz line 2"
    assert found.first[1].source == "in b.jsonl line 1"


def test_a_sheet_of_a_workbook_can_be_named_and_an_unknown_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(workbook([["text", "label"], ["where?", "card"]]))
    assert said(Named(name="excel", options={"path": "a.xlsx", "sheet": "one"}), tmp_path) == [
        ("where?", "card")
    ]
    found = look(Named(name="excel", options={"path": "a.xlsx", "sheet": "two"}), folder=tmp_path)
    assert "no sheet `two`" in found.problems[0].what and "`one`" in found.problems[0].fix


def test_a_data_set_saved_by_the_library_datasets_is_read(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}).save_to_disk(str(tmp_path / "saved"))
    assert said("hub:saved", tmp_path)[0] == ("question 0, ä€", "topic 0")
    found = look(Named(name="hub", options={"name": "saved", "split": "nope"}), folder=tmp_path)
    assert found.problems[0].where == "hub:saved" and "split" in found.problems[0].fix


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_file_that_is_cut_is_told_with_its_line(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    name = "a.jsonl.gz" if pack is gzip.compress else "a.jsonl.zst"
    (tmp_path / name).write_bytes(pack(KINDS[".jsonl"](ROWS) * 50)[:-20])
    problems = look(name, folder=tmp_path).problems
    assert all(one.where.startswith(name) and one.fix for one in problems)


INFO = {
    "plain": {"file_name": "plain.json", "columns": {"prompt": "ask", "response": "say"}},
    "shared": {
        "file_name": "shared.json",
        "formatting": "sharegpt",
        "columns": {"messages": "talk"},
        "tags": {"role_tag": "who", "content_tag": "what", "user_tag": "client", "assistant_tag": "desk"},
    },
    "ranked": {
        "file_name": "ranked.json",
        "ranking": True,
        "columns": {"prompt": "ask", "chosen": "good", "rejected": "bad"},
    },
    "rated": {"file_name": "rated.json", "columns": {"prompt": "ask", "response": "say", "kto_tag": "ok"}},
    "odd": {"file_name": "plain.json", "columns": {"prompt": "nowhere", "response": "say"}},
}
FILES: dict[str, list[dict[str, object]]] = {
    "plain": [{"ask": "q", "say": "a"}],
    "shared": [{"talk": [{"who": "client", "what": "q"}, {"who": "desk", "what": "a"}]}],
    "ranked": [{"ask": "q", "good": "a", "bad": "b"}],
    "rated": [{"ask": "q", "say": "a", "ok": False}],
}


@pytest.fixture
def neighbour(tmp_path: Path) -> Path:
    (tmp_path / "lf").mkdir()
    (tmp_path / "lf" / "dataset_info.json").write_text(json.dumps(INFO))
    for name, rows in FILES.items():
        (tmp_path / "lf" / f"{name}.json").write_text(json.dumps(rows))
    return tmp_path


@pytest.mark.parametrize("name", list(FILES))
def test_data_sets_of_llama_factory_are_read_as_they_are(neighbour: Path, name: str) -> None:
    named = Named(name="llamafactory", options={"path": "lf/dataset_info.json", "name": name})
    assert said(named, neighbour) == [("q", "a")]
    (one,) = look(named, folder=neighbour).first
    assert (one.rejected, one.desirable) == ({"ranked": "b"}.get(name), {"rated": False}.get(name))


def test_a_column_that_llama_factorys_list_names_wrongly_is_told(neighbour: Path) -> None:
    named = Named(name="llamafactory", options={"path": "lf/dataset_info.json", "name": "odd"})
    (problem,) = look(named, folder=neighbour).problems
    assert "no column `nowhere`" in problem.what and "`ask`" in problem.fix


AXOLOTL = """
base_model: any
datasets:
  - path: plain.jsonl
    type: {field_instruction: ask, field_output: say}
  - path: chat.jsonl
    type: chat_template
    field_messages: talk
    message_property_mappings: {role: who, content: what}
    roles: {user: [client], assistant: [desk]}
"""


def test_entries_of_axolotl_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "chat.jsonl").write_text(json.dumps(FILES["shared"][0]))
    (tmp_path / "plain.jsonl").write_text(json.dumps({"ask": "q", "say": "a"}))
    (tmp_path / "plain.yaml").write_text(AXOLOTL.split("  - path: chat")[0])
    (tmp_path / "chat.yaml").write_text("datasets:\n  - path: chat" + AXOLOTL.split("  - path: chat")[1])
    for name in ("plain", "chat"):
        assert said(Named(name="axolotl", options={"path": f"{name}.yaml"}), tmp_path) == [("q", "a")]


def test_fine_tuning_files_of_openai_are_read_as_they_are(tmp_path: Path) -> None:
    turns = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "q"}]
    parts = {"role": "assistant", "content": [{"type": "text", "text": "a"}], "weight": 1}
    (tmp_path / "sft.jsonl").write_text(json.dumps({"messages": [*turns, parts]}))
    assert said("sft.jsonl", tmp_path) == [("be kind", "q", "a")]
    ends = {
        f"{kind}_output": [{"role": "assistant", "content": text}]
        for kind, text in (("preferred", "a"), ("non_preferred", "b"))
    }
    (tmp_path / "dpo.jsonl").write_text(json.dumps({"input": {"messages": turns, "tools": []}, **ends}))
    assert said("dpo.jsonl", tmp_path) == [("be kind", "q", "a")]
    assert look("dpo.jsonl", folder=tmp_path).first[0].rejected == "b"


@pytest.mark.skipif(not DATASETS.exists(), reason="needs ../shared/datasets")
@pytest.mark.parametrize(
    ("file", "shape", "examples"),
    [
        ("banking77/test.csv", "label", 3080),
        ("rasbt_instruct/instruction-data.json", "instruction", 1100),
        ("rasbt_preference/instruction-data-with-preference.json", "preference", 1100),
        ("dolly_hhrlhf_small/train_small.jsonl", "completion", 1000),
    ],
)
def test_real_sets_are_known_for_what_they_are(file: str, shape: str, examples: int) -> None:
    found = look(file, folder=DATASETS)
    assert (found.shape, found.examples) == (shape, examples)


@pytest.mark.parametrize(("name", "fix"), [("a.zip", "unpack"), ("a.xyz", "jsonl: {path: a.xyz}")])
def test_a_file_of_an_unknown_kind_is_not_read_as_anything(tmp_path: Path, name: str, fix: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    (problem,) = look(name, folder=tmp_path).problems
    assert "what kind of file" in problem.what and fix in problem.fix


def test_a_folder_with_a_dot_in_its_name_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "v1.2").mkdir()
    (tmp_path / "v1.2" / "a.jsonl").write_bytes(KINDS[".jsonl"](ROWS))
    assert look("v1.2", folder=tmp_path).examples == 6
