"""A trial is the project's spec with other values at some paths."""

from __future__ import annotations

import pytest
import yaml

from tunewright.core.errors import SpecError
from tunewright.loop.spec import Spec
from tunewright.loop.sweep.checks import losses_compare
from tunewright.loop.sweep.settings import changed, combinations, drawn, extremes, of_trial, text_of
from tunewright.loop.sweep.spec import SweepSpec, Values

PLAIN = {
    "define": {"objective": "Route.", "task": "classification"},
    "data": {"sources": ["data/old.csv", "data/new.csv"]},
}


def spec(**more: object) -> Spec:
    return Spec.parse({**PLAIN, **more})


def test_an_option_of_a_plug_in_is_a_path_with_its_name_or_without() -> None:
    for path in ("train.tuner.r", "train.tuner.lora.r"):
        assert changed(spec(), {path: 16}).train.tuner.options == {"r": 16}
    kept = spec(train={"tuner": {"lora": {"dropout": 0.1}}})
    assert changed(kept, {"train.tuner.r": 4}).train.tuner.options == {"dropout": 0.1, "r": 4}
    assert changed(kept, {"train.tuner.dora.r": 4}).train.tuner.options == {"r": 4}


def test_a_plug_in_is_chosen_before_its_options_whatever_the_order() -> None:
    made = changed(spec(), {"train.tuner.r": 4, "train.tuner": "dora"})
    assert (made.train.tuner.name, made.train.tuner.options) == ("dora", {"r": 4})


def test_a_source_is_a_key_of_the_mix_dots_and_all() -> None:
    made = changed(spec(), {"data.mix.ratios.data/old.csv": 0.5, "data.mix.weights.data/new.csv": 2.0})
    assert made.data.mix.ratios == {"data/old.csv": 0.5}
    assert made.data.mix.weights == {"data/new.csv": 2.0}


def test_base_model_and_a_further_round_are_paths_like_any_other() -> None:
    made = changed(
        spec(train={"then": {"method": "dpo"}}), {"model": "other", "train.then.learning_rate": 5e-5}
    )
    assert made.model == "other" and made.train.rounds[1].learning_rate == 5e-5


def test_the_same_paths_work_with_set() -> None:
    made = spec().with_overrides("train.tuner.r=16", "data.mix.ratios.data/old.csv=2")
    assert made.train.tuner.options == {"r": 16} and made.data.mix.ratios == {"data/old.csv": 2}
    with pytest.raises(SpecError, match="leads through a value"):
        spec(name="desks").with_overrides("name.first=a")


def test_a_trial_is_asked_alone_by_the_objective_on_the_validation_part() -> None:
    project = spec(sweep={"objective": "macro_f1", "examples": 50}, evaluate={"test_examples": 7})
    asked = of_trial(project, {"train.batch": 8}, "validation").evaluate
    assert (asked.candidates, asked.latency_examples, asked.test_examples) == (("tuned",), 0, 50)
    assert [one.name for one in asked.scorers] == ["macro_f1"]
    assert of_trial(project, {}, "test").evaluate.test_examples == 7


def test_the_spec_of_a_trial_survives_its_file() -> None:
    made = of_trial(spec(), {"train.learning_rate": 3.1e-05, "train.tuner.lora.dropout": 1e-05}, "validation")
    assert Spec.parse(yaml.safe_load(made.to_yaml())) == made


def test_choices_can_be_counted_and_ranges_cannot() -> None:
    assert combinations(SweepSpec.model_validate({"paths": {"a": [1, 2], "b": [1, 2, 3]}})) == 6
    assert (
        combinations(SweepSpec.model_validate({"paths": {"a": [1, 2], "b": {"low": 0, "high": 1}}})) is None
    )


def test_options_of_a_plug_in_are_checked_with_every_plug_in_that_is_tried() -> None:
    sweep = SweepSpec.model_validate({"paths": {"train.tuner": ["lora", "ia3"], "train.tuner.r": [4, 8]}})
    assert {"train.tuner": "ia3", "train.tuner.r": 8} in list(extremes(sweep))
    assert {"train.tuner": "lora"} in list(extremes(sweep))


def test_a_drawn_number_has_three_digits_and_stays_in_its_range() -> None:
    range_ = Values.model_validate({"low": 1.2346e-4, "high": 1e-2})
    assert drawn(range_, 0.00123456) == 0.00123
    assert drawn(range_, 1.2346e-4) == 1.2346e-4
    assert drawn(Values.model_validate({"low": 1, "high": 5000}), 4321) == 4321


@pytest.mark.parametrize(
    ("path", "compared"),
    [
        ("train.learning_rate", True),
        ("train.then.learning_rate", True),
        ("train.tuner", True),
        ("model", False),
        ("train.method", False),
        ("train.method.dpo.beta", False),
        ("train.then.method", False),
        ("train.then", False),
    ],
)
def test_losses_of_other_methods_or_models_are_not_compared(path: str, compared: bool) -> None:
    assert losses_compare(spec(sweep={"paths": {path: [1, 2]}})) is compared


def test_a_value_is_read_back_as_it_was_from_its_text() -> None:
    for value in (1e-05, 3, "ia3", {"lora": {"r": 8}}, True, None, "1e-3", ["a", "b"]):
        assert yaml.safe_load(text_of(value)) == value


def test_every_wrong_range_is_told_at_once() -> None:
    wrong = {
        "train.batch": 8,
        "train.epochs": [],
        "train.warmup": {"low": 0.1},
        "train.patience": {"low": 5, "high": 1},
        "train.learning_rate": {"low": 0, "high": 1, "log": True},
        "train.schedule": ["linear", "linear"],
    }
    with pytest.raises(SpecError) as error:
        spec(sweep={"paths": wrong})
    assert len(error.value.problems) == len(wrong)
    assert {problem.where.split("paths.")[1] for problem in error.value.problems} == set(wrong)
