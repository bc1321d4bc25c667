"""One YAML, validated as a whole: every problem at once, with its path, a fix and near misses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.core.errors import SpecError
from tunewright.core.types import Problem
from tunewright.loop.project import Project
from tunewright.loop.spec import Spec

GOOD = """
name: desk
define:
  objective: Route a question to the right desk.
  task: classification
  targets:
    - {metric: accuracy, at_least: 0.9}
data:
  sources: [data/train.csv]
train:
  epochs: 2
"""


def problems(text: str, folder: Path) -> tuple[Problem, ...]:
    path = folder / "tunewright.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        Spec.read(path)
    return caught.value.problems


def test_a_good_spec_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tunewright.yaml"
    path.write_text(GOOD)
    spec = Spec.read(path)
    assert spec.name == "desk"
    assert spec.train.epochs == 2


def test_a_misspelt_key_gets_the_nearest_one(tmp_path: Path) -> None:
    found = problems(GOOD.replace("epochs", "epoch"), tmp_path)
    assert found[0].where == "tunewright.yaml: train.epoch"
    assert found[0].fix == "did you mean `epochs`?"


def test_a_key_of_a_section_inside_is_told_where_it_belongs(tmp_path: Path) -> None:
    for given in ("near: 0.8", "nera: 0.8", "overlap: report"):
        found = problems(GOOD.replace("data:\n", f"data:\n  {given}\n"), tmp_path)
        assert found[0].fix in ("did you mean `data.split.near`?", "did you mean `data.split.overlap`?")
    found = problems(GOOD.replace("data:\n", "data:\n  validation_share: 0.1\n"), tmp_path)
    assert found[0].fix == "did you mean `data.split.validation`?"  # `data.validation` takes files


def test_a_misspelt_section_and_value_get_the_nearest_ones(tmp_path: Path) -> None:
    text = GOOD.replace("train:", "trian:").replace("classification", "clasification")
    found = {problem.where: problem.fix for problem in problems(text, tmp_path)}
    assert found["tunewright.yaml: trian"] == "did you mean `train`?"
    assert found["tunewright.yaml: define.task"] == "did you mean `classification`?"


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("objective", "objektive").replace("at_least: 0.9", "at_least: high")
    text = text.replace("epochs: 2", "epochs: many")
    places = [problem.where for problem in problems(text, tmp_path)]
    assert "tunewright.yaml: define.objektive" in places
    assert "tunewright.yaml: define.objective" in places
    assert "tunewright.yaml: train.epochs" in places
    assert any(place.startswith("tunewright.yaml: define.targets[0]") for place in places)


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    found = problems("define:\n  task: [chat\n", tmp_path)
    assert found[0].where.startswith("tunewright.yaml line ")


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    found = problems(GOOD + "name: other\n", tmp_path)
    assert "`name` stands twice" in found[0].what


def test_braces_without_quotes_are_told_with_their_line(tmp_path: Path) -> None:
    found = problems(GOOD.replace("name: desk", "name: {{project}}"), tmp_path)
    assert found[0].where == "tunewright.yaml line 2" and "quotes" in found[0].what


def test_a_character_that_yaml_forbids_is_told_with_its_line(tmp_path: Path) -> None:
    found = problems(GOOD.replace("desk\n", "de\x07sk\n"), tmp_path)
    assert found[0].where == "tunewright.yaml line 2" and "U+0007" in found[0].what


def test_a_date_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "tunewright.yaml"
    path.write_text(GOOD.replace("name: desk", "name: 2026-12-31"))
    assert Spec.read(path).name == "2026-12-31"
    assert Spec.read(path).with_overrides("name=2027-02-30").name == "2027-02-30"
    path.write_text(GOOD.replace("at_least: 0.9", "at_least: 0.9, deadline: 2026-12-31"))
    assert str(Spec.read(path).define.targets[0].deadline) == "2026-12-31"
    found = problems(GOOD.replace("at_least: 0.9", "at_least: 0.9, deadline: 2026-13-45"), tmp_path)
    assert found[0].where == "tunewright.yaml: define.targets[0].deadline"


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_mapping_is_an_error(tmp_path: Path, text: str) -> None:
    assert problems(text, tmp_path)[0].where == "tunewright.yaml"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        Spec.read(tmp_path / "tunewright.yaml")
    assert "tunewright new" in caught.value.problems[0].fix


def test_overrides_change_a_copy_and_are_checked_like_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tunewright.yaml"
    path.write_text(GOOD)
    spec = Spec.read(path)
    assert spec.with_overrides("train.epochs=1", "seed=7").train.epochs == 1
    assert spec.train.epochs == 2
    with pytest.raises(SpecError) as caught:
        spec.with_overrides("train.epoch=1", "seed=x")
    assert len(caught.value.problems) == 2


def test_a_spec_reads_back_from_its_print_out(tmp_path: Path) -> None:
    path = tmp_path / "tunewright.yaml"
    path.write_text(GOOD)
    spec = Spec.read(path)
    path.write_text(spec.to_yaml())
    assert Spec.read(path) == spec


def test_a_word_where_a_list_or_options_belong_is_told_in_words_of_yaml(tmp_path: Path) -> None:
    text = GOOD.replace("epochs: 2", "tuner: {lora: 8}") + "evaluate: {prompts: say it}\n"
    found = {problem.where: problem.what for problem in problems(text, tmp_path)}
    assert found["tunewright.yaml: evaluate.prompts"] == "this must be a list"
    assert "mapping" in found["tunewright.yaml: train.tuner.options"]


def test_a_folder_that_is_a_file_has_no_spec_and_one_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "tunewright.yaml").mkdir()
    with pytest.raises(SpecError, match="there is no spec here"):
        Spec.read(tmp_path / "file" / "tunewright.yaml")
    with pytest.raises(SpecError, match="cannot be read"):
        Spec.read(tmp_path / "tunewright.yaml")


def test_wrong_keys_do_not_hide_a_missing_file_an_unknown_model_or_a_wrong_option(tmp_path: Path) -> None:
    text = GOOD.replace("epochs: 2", "epoch: 2\n  tuner: {lora: {r: many}}") + "model: smollm3\n"
    (tmp_path / "tunewright.yaml").write_text(text.replace("objective", "objektive"), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        Project.open(tmp_path)
    found = {problem.where: problem for problem in caught.value.problems}
    assert {"tunewright.yaml: define.objektive", "tunewright.yaml: train.epoch"} <= found.keys()
    assert "no file" in found["data.sources[0]"].what
    assert any("smollm3" in problem.what for problem in found.values())
    assert found["train.tuner.lora.r"].fix == "the default is `r: 16`"
    assert "valid integer" in found["train.tuner.lora.r"].what


def test_brackets_without_end_are_told_and_no_traceback(tmp_path: Path) -> None:
    (found,) = problems("data: " + "[" * 20_000, tmp_path)
    assert "nested deeper" in found.what and found.where.startswith("tunewright.yaml")


def test_an_empty_spec_is_called_empty(tmp_path: Path) -> None:
    (found,) = problems("# nothing yet\n", tmp_path)
    assert found.what == "the spec is empty" and "tunewright new" in found.fix
