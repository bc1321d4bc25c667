"""Faults that others plant in adapter or packed form: each is refused, what has a name is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from benchmarks.faults.packing import PLANTERS
from benchmarks.parity import NAMES, TOLERANCE, Bench, refusal, with_own_answers

from tests.deploy.conftest import SPEC, Setting, question, report
from tunewright.core.types import Checkpoint
from tunewright.runtime.workspace import seal_files


@pytest.fixture
def bench(setting: Setting, tmp_path: Path) -> Bench:
    sealed = shutil.copytree(setting.checkpoint.path, tmp_path / "sealed")
    seal_files(sealed)
    checkpoint: Checkpoint = setting.checkpoint.model_copy(update={"path": sealed})
    examples = [question(number) for number in range(8)]
    spec = SPEC.model_copy(update={"quantised_tolerance": TOLERANCE})
    return with_own_answers(Bench(checkpoint, spec, examples, report(), setting.context.settings))


@pytest.mark.parametrize("fault", list(PLANTERS))
def test_a_planted_fault_is_refused_by_its_name(bench: Bench, tmp_path: Path, fault: str) -> None:
    form, plant = PLANTERS[fault]
    said = refusal(bench, form, plant, tmp_path / "work")
    assert said, "it was let through"
    assert NAMES[fault] in said


@pytest.mark.parametrize("form", sorted({form for form, _ in PLANTERS.values()} - {"adapter", "stored"}))
def test_a_form_without_a_fault_is_let_through(bench: Bench, tmp_path: Path, form: str) -> None:
    assert refusal(bench, form, lambda folder: None, tmp_path / "work") == ""


def test_every_planter_has_a_name_to_be_found_by() -> None:
    assert NAMES.keys() == PLANTERS.keys()
