"""Before a run: what it would need, here or elsewhere, and what to choose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.loop.conftest import write_project
from tunewright import Project
from tunewright.cli.app import app
from tunewright.core.errors import ModelError, SpecError, TunewrightError, WorkspaceError


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    folder = write_project(tmp_path_factory.mktemp("planned"), model)
    Project.open(folder).run(only="data")
    return folder


def test_every_model_tuner_and_device_is_a_row(desks: Path) -> None:
    found = Project.open(desks).plan(
        models=("smollm2-135m-instruct", "llama-3-70b-instruct"),
        tuners=("lora", "ia3"),
        on=("l4", "h100-80gb"),
    )
    rows = {(one.model, one.tuner, one.place): one.forecast for one in found}
    assert len(rows) == len(found) == 8
    small, large = rows["smollm2-135m-instruct", "lora", "l4"], rows["llama-3-70b-instruct", "lora", "l4"]
    assert small is not None and small.fits and small.cost is not None
    assert large is not None and not large.fits and large.memory_bytes > 140e9


def test_a_device_is_planned_in_the_number_format_that_the_spec_asks_for(desks: Path) -> None:
    short, long = (
        Project.open(desks, settings=(f"train.backend.precision={precision}",)).plan(
            models=("smollm2-360m-instruct",), on=("l4",), length=16, examples=20
        )
        for precision in ("auto", "fp32")
    )
    assert short[0].forecast is not None and long[0].forecast is not None
    assert long[0].forecast.memory_bytes > short[0].forecast.memory_bytes + 0.6e9


def test_a_plan_needs_no_data_where_numbers_are_given(tmp_path: Path, model: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    short, long = (project.plan(examples=500, length=length)[0].forecast for length in (32, 256))
    assert short is not None and long is not None
    assert short.steps == long.steps == 32
    assert long.memory_bytes > short.memory_bytes and long.seconds > short.seconds


def test_each_round_is_planned(desks: Path) -> None:
    project = Project.open(desks, settings=("train.then={method: dpo, learning_rate: 5e-5}",))
    found = project.plan(length=40, examples=20)
    assert [one.method for one in found] == ["sft", "dpo"]


def test_what_is_not_known_is_said(desks: Path, tmp_path: Path) -> None:
    project = Project.open(desks)
    for wrong, right in (
        ({"models": ("lama-3-8b-instruct",)}, "llama-3-8b-instruct"),
        ({"on": ("h100-80g",)}, "h100-80gb"),
        ({"tuners": ("lorra",)}, "lora"),
    ):
        with pytest.raises((ModelError, SpecError)) as refused:
            project.plan(**wrong)
        assert refused.value.problems[0].fix == f"did you mean `{right}`?"
    bad = tmp_path / "prices.yaml"
    bad.write_text("devices: {box: {price: 1}}\ncurency: EUR\n")
    with pytest.raises(SpecError) as caught:
        project.plan(prices=bad)
    told = [problem.where for problem in caught.value.problems]
    assert len(told) == 4 and any("curency" in where for where in told)
    bad.write_text("devices: {box: {memory_gb: .inf, tflops: 1, bandwidth_gbs: 1, price: .nan}}")
    with pytest.raises(SpecError) as caught:
        project.plan(prices=bad)
    assert [problem.what for problem in caught.value.problems] == ["input should be a finite number"] * 2
    with pytest.raises(SpecError, match="cannot be read: is a directory"):
        project.plan(prices=tmp_path)
    bad.write_text("[1, 2]")
    with pytest.raises(SpecError, match="no table of prices"):
        project.plan(prices=bad)


def test_lengths_alone_leave_the_number_of_examples_as_it_is_in_the_data(desks: Path) -> None:
    (found,) = Project.open(desks).plan(length=40)
    assert found.forecast is not None and found.forecast.steps == 6, "84 examples, 16 a step"


def test_a_plan_without_data_says_what_it_assumed(tmp_path: Path, model: Path) -> None:
    project = Project.open(write_project(tmp_path / "p", model))
    assert project.plan()[0].assumed == "1000 examples, 256 tokens each"
    assert project.plan(examples=50)[0].assumed == "256 tokens each"
    assert not project.plan(examples=50, length=40)[0].assumed
    command = ["plan", "--project", str(project.folder)]
    assert "no data set yet" in CliRunner().invoke(app, command).stdout


def test_a_length_that_the_model_does_not_hold_is_refused(desks: Path) -> None:
    for length in (1, 9000, 999_999_999):
        with pytest.raises(SpecError, match="holds 2 to 8192 at once"):
            Project.open(desks).plan(models=("smollm2-135m-instruct",), length=length)


def test_examples_that_a_run_would_refuse_are_planned_with_a_note(desks: Path) -> None:
    (told,) = Project.open(desks, settings=("train.max_tokens=8",)).plan()
    assert told.forecast is not None
    assert told.note.startswith("a run would be refused: ") and "train.max_tokens" in told.note


def test_this_machine_stands_beside_devices_in_any_case(desks: Path) -> None:
    here, there = Project.open(desks).plan(on=("here", "A100-80GB"))
    assert here.place != there.place and there.memory_bytes == 80e9


def test_what_does_not_fit_at_all_is_planned_with_the_least_tokens(desks: Path) -> None:
    (told,) = Project.open(desks).plan(models=("llama-3-70b-instruct",), on=("t4",), length=600)
    assert told.forecast is not None and not told.forecast.fits
    assert told.forecast.tokens < 1024


def test_what_a_run_would_refuse_is_no_traceback_of_a_plan(desks: Path, model: Path) -> None:
    for setting, told in (
        ("train.method=dpo", "learns from pairs of answers"),
        ("train.backend.memory_gb=lots", "should be a valid number"),
        ("train.backend.memory_gb=.inf", "should be a finite number"),
        ("train.backend=lokal", "unknown backend `lokal`"),
    ):
        with pytest.raises(SpecError, match=told):
            Project.open(desks, settings=(setting,)).plan()
    shutil.copytree(model, desks / "broken")
    (desks / "broken" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"no `tokenizer\.json`"):
        Project.open(desks).plan(models=("broken",))


def test_a_model_that_cannot_be_rehearsed_is_a_row_that_says_so(desks: Path, model: Path) -> None:
    shutil.copytree(model, desks / "unheard")
    config = json.loads((model / "config.json").read_text())
    (desks / "unheard" / "config.json").write_text(json.dumps({**config, "model_type": "unheard-of"}))
    unheard, known = Project.open(desks).plan(models=("unheard", "smollm2-135m-instruct"), on=("l4",))
    assert unheard.forecast is None and "unheard-of" in unheard.note
    assert known.forecast is not None


def test_the_command_prints_a_table_and_the_types(desks: Path) -> None:
    command = ["plan", "--project", str(desks), "--on", "l4", "--model", "smollm2-135m-instruct"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0 and "smollm2-135m-instruct" in told.stdout and "USD" in told.stdout
    (row,) = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert row["forecast"]["fits"] is True


def test_a_model_that_the_machine_cannot_hold_is_refused_before_anything_is_made(
    tmp_path: Path, model: Path
) -> None:
    project = Project.open(write_project(tmp_path / "p", model), settings=("model=llama-3-70b-instruct",))
    (told,) = (one for one in project.check() if one.where == "model" and one.fatal)
    assert "141 GB" in told.what and "tunewright advise" in told.fix
    with pytest.raises(TunewrightError, match="alone take 141 GB"):
        project.start()


def test_advice_names_a_model_that_fits_and_settings_that_the_linter_lets_pass(desks: Path) -> None:
    advice = Project.open(desks).advise(on="h200-141gb")
    (planned,) = advice.planned
    assert planned.forecast is not None and planned.forecast.fits
    assert planned.parameters > 7e9 and planned.licence in ("Apache-2.0", "MIT")
    assert "few" in " ".join(advice.reasons)
    values = f"train={json.dumps(advice.settings)}"
    assert not [one for one in Project.open(desks, settings=(values,)).check() if one.fatal]


def test_less_time_and_a_smaller_device_mean_a_smaller_model(desks: Path) -> None:
    project = Project.open(desks)
    small, large = (project.advise(on=device).planned[0] for device in ("t4", "h200-141gb"))
    assert small.parameters < large.parameters
    with pytest.raises(SpecError, match="no model of the catalogue"):
        project.advise(on="t4", hours=1e-6)


def test_weights_in_four_bits_are_advised_on_a_gpu_that_is_too_small_for_sixteen(desks: Path) -> None:
    advice = Project.open(desks).advise(on="t4")
    (planned,) = advice.planned
    assert planned.tuner == "qlora" and planned.forecast is not None and planned.forecast.fits
    assert 2 * planned.parameters + 1e9 > planned.memory_bytes or "lora does not fit" in " ".join(
        advice.reasons
    )
    assert "4 bits" in " ".join(advice.reasons)


def test_later_rounds_and_trials_are_judged_with_the_data_too(desks: Path) -> None:
    project = Project.open(
        desks,
        settings=(
            "train.then={method: dpo, learning_rate: 0.5}",
            "sweep.paths={train.learning_rate: [1e-3, 0.6]}",
        ),
    )
    fatal = {one.where: one.what for one in project.check() if one.fatal}
    assert "0.5 will diverge" in fatal["train.then.learning_rate"]
    assert "0.6 will diverge" in fatal["sweep.paths.train.learning_rate"]
    told = [one.what for one in project.check()]
    assert len(told) == len(set(told)), "what the data says is said once"
    wrong = Project.open(desks, settings=("train.method=sfft", "train.tuner=lorra")).check()
    assert {"train.method", "train.tuner"} <= {one.where for one in wrong if one.fatal}


def test_advice_without_data_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(WorkspaceError, match="no data set"):
        Project.open(write_project(tmp_path / "p", model)).advise()


def test_pairs_are_advised_a_second_round(tmp_path: Path, model: Path) -> None:
    folder = write_project(tmp_path / "p", model)
    spec = (folder / "tunewright.yaml").read_text()
    spec = spec.replace("task: classification", "task: generation").replace("accuracy", "exact")
    (folder / "tunewright.yaml").write_text(spec.replace("data.csv", "data.json"))
    rows = [
        {"prompt": f"question {place * 7919}?", "chosen": f"yes {place}", "rejected": f"no {place}"}
        for place in range(60)
    ]
    (folder / "data.json").write_text(json.dumps(rows))
    project = Project.open(folder)
    project.run(only="data")
    advice = project.advise(on="l4")
    assert advice.settings["then"]["method"] == "dpo"
    assert [one.method for one in advice.planned] == ["sft", "dpo"]
    assert all(one.forecast is not None and one.forecast.fits for one in advice.planned)
    values = f"train={json.dumps(advice.settings)}"
    told = Project.open(folder, settings=(values,)).check()
    assert not [one for one in told if "learning_rate" in one.where]
    shown = CliRunner().invoke(app, ["advise", "--project", str(folder), "--on", "l4"])
    assert shown.exit_code == 0 and "then dpo" in shown.stdout and "model: " in shown.stdout
