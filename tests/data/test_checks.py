"""What can be known before a line is read is said before a line is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tunewright.data import DataSpec, check, fingerprint


def said(project: Path, **spec: Any) -> dict[str, str]:  # noqa: ANN401 - a section of the spec
    return {p.where: f"{p.what} | {p.fix}" for p in check(DataSpec.model_validate(spec), project)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("text,label\na,b\n")
    (tmp_path / "data" / "empty.csv").write_text("")
    return tmp_path


def test_a_sound_section_has_no_problems(project: Path) -> None:
    assert said(project, sources="data/train.csv") == {}
    assert said(project, sources=[{"csv": {"path": "data/train.csv", "delimiter": ","}}]) == {}


def test_a_misspelt_file_gets_the_name_it_may_have_meant(project: Path) -> None:
    assert "did you mean `data/train.csv`" in said(project, sources="data/trian.csv")["data.sources[0]"]
    assert "did you mean `data/train.csv`" in said(project, sources="train.csv")["data.sources[0]"]


@pytest.mark.parametrize(
    ("spec", "where", "word"),
    [
        ({"sources": []}, "data.sources", "no source"),
        ({"sources": "data/empty.csv"}, "data.sources[0]", "is empty"),
        ({"sources": "nothing"}, "data.sources[0]", "suffix"),
        ({"sources": "data/train.pptx"}, "data.sources[0]", ".parquet"),
        ({"sources": [{"cvs": {"path": "data/train.csv"}}]}, "data.sources[0]", "did you mean `csv`"),
        (
            {"sources": [{"csv": {"path": "data/train.csv", "delimeter": ";"}}]},
            "data.sources[0].csv",
            "delimiter",
        ),
        ({"sources": "data/train.csv", "test": "data/train.csv"}, "data.test[0]", "same content"),
        ({"sources": "data/train.csv", "split": {"validation": 15}}, "data.split.validation", "no share"),
        ({"sources": "data/train.csv", "split": {"test": 0}}, "data.split.test", "no share"),
        ({"sources": "data/train.csv", "split": {"test": 0.5, "validation": 0.4}}, "data.split.test", "90%"),
        ({"sources": "data/train.csv", "split": {"near": 0}}, "data.split.near", "no similarity"),
    ],
)
def test_each_fault_has_its_place_and_remedy(
    project: Path, spec: dict[str, Any], where: str, word: str
) -> None:
    assert word in said(project, **spec)[where]


def test_all_problems_come_at_once(project: Path) -> None:
    assert len(said(project, sources=["a.csv", "b.csv"], test="c.csv", split={"near": 2})) == 4


def test_the_fingerprint_changes_with_one_byte_of_any_file(project: Path) -> None:
    (project / "test.csv").write_text("text,label\nc,d\n")
    spec = DataSpec.model_validate({"sources": "data/train.csv", "test": "test.csv"})
    before = fingerprint(spec, project)
    assert {"data/train.csv", "test.csv"} < set(before)
    (project / "test.csv").write_text("text,label\nc,e\n")
    after = fingerprint(spec, project)
    assert before["test.csv"] != after["test.csv"] and before["data/train.csv"] == after["data/train.csv"]
