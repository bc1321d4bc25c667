"""Faults planted into real runs of the tiny model are named with numbers; healthy runs are not blamed."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.faults import training
from benchmarks.short_runs import Data, example, fit

from tunewright import train
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.models.local import local_checkpoint
from tunewright.runtime.plugins import Named
from tunewright.train.diagnose import RULES, diagnose, midway
from tunewright.train.finding import Finding
from tunewright.train.ports import Curve, Look
from tunewright.train.probe import GENERAL, probes

from .conftest import PLAN as SHORT
from .conftest import SPEC, make_examples

Contexts = Callable[..., Context]
HEALTHY: dict[str, Any] = {
    "tuner": {"lora": {"r": 8, "alpha": 16}},
    "backend": {"local": {"precision": "fp32"}},
    "epochs": 4,
    "batch": 4,
    "learning_rate": 5e-3,
    "patience": 0,
}


def desks() -> Data:
    return make_examples(40), make_examples(12, 100)


def planted(name: str, seed: int = 1) -> tuple[Data, dict[str, Any]]:
    learned, validation = desks()
    rows = [(one.messages[0].content, one.answer or "") for one in learned]
    bad, settings = training.PLANTERS[name](rows, HEALTHY, random.Random(seed))
    return ([example(str(place), *row) for place, row in enumerate(bad)], validation), settings


def said(base: Checkpoint, data: Data, settings: dict[str, Any], **changes: Any) -> dict[str, Finding]:  # noqa: ANN401
    plan, curve = fit(base, data, settings, **changes)
    return {finding.kind: finding for finding in diagnose(plan, curve)}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("memorising", "overfitting"),
        ("timid", "underfitting"),
        ("frozen", "adapter without effect"),
    ],
)
def test_a_planted_fault_is_named_with_numbers_and_remedy(base: Checkpoint, name: str, kind: str) -> None:
    data, settings = planted(name)
    settings = {**settings, "epochs": min(12, settings["epochs"])}
    found = said(base, data, settings)
    assert found[kind].numbers and found[kind].fix and found[kind].effect
    assert not found[kind].fatal


def test_a_healthy_run_is_not_blamed(base: Checkpoint) -> None:
    assert set(said(base, desks(), HEALTHY)) <= {"still falling"}


def endless(items: Sequence[Rendered]) -> list[Rendered]:
    return [dataclasses.replace(one, trained=training.endless(one.trained)) for one in items]


def test_a_stop_token_that_nobody_trained_is_named(base: Checkpoint) -> None:
    found = said(base, desks(), HEALTHY, change=endless)
    assert found["stop token not learned"].numbers["said"] < 0.5


def taught(base: Checkpoint, folder: Path) -> Checkpoint:
    """A model that knows the desks, so that there is something to lose."""
    shutil.copytree(base.path, folder)
    fit(base, desks(), {**HEALTHY, "tuner": "full", "learning_rate": 3e-3}, keep=folder)
    return local_checkpoint(folder)


def test_a_run_that_blows_up_or_is_no_number_ends_with_a_finding(base: Checkpoint, tmp_path: Path) -> None:
    data, settings = planted("reckless")
    try:
        kinds = set(said(taught(base, tmp_path / "taught"), data, settings))
    except TrainError as error:
        kinds = {getattr(problem, "kind", "") for problem in error.problems}
    assert kinds & {"divergence", "NaN"}
    shutil.copytree(base.path, tmp_path / "model")
    training.poisoned(tmp_path / "model", random.Random(0))
    with pytest.raises(TrainError, match="no number") as caught:
        fit(local_checkpoint(tmp_path / "model"), desks(), HEALTHY)
    (problem,) = caught.value.problems
    assert isinstance(problem, Finding) and problem.kind == "NaN" and "base model" in problem.fix


PLAN = SHORT.model_copy(update={"epochs": 3, "steps": 30, "evaluate_every": 10})


def looks(*losses: float, **figures: Sequence[float]) -> Curve:
    found = [
        Look(
            step=10 * place,
            loss=loss,
            exact=0.5,
            figures={name: values[place] for name, values in figures.items()},
        )
        for place, loss in enumerate(losses)
    ]
    best = min(found, key=lambda look: look.loss)
    return Curve(losses=(1.0,) * 30, validation=tuple(found), best_step=best.step)


def test_forgetting_is_told_by_general_questions_of_a_model_that_knew_them() -> None:
    knew = looks(2.0, 1.0, 0.8, 0.7, general_loss=(1.2, 1.6, 2.9, 4.2))
    knew_nothing = looks(2.0, 1.0, 0.8, 0.7, general_loss=(9.0, 9.4, 9.9, 10.4))
    (finding,) = [one for one in diagnose(PLAN, knew) if one.kind == "forgetting"]
    assert finding.numbers == {"before": 1.2, "after": 4.2} and "1.200 to 4.200" in finding.what
    assert "forgetting" not in {one.kind for one in diagnose(PLAN, knew_nothing)}
    assert "forgetting" in {one.kind for one in midway(PLAN, knew)}


def test_a_classifier_that_only_grows_too_sure_is_not_called_overfitted() -> None:
    curve = looks(2.0, 0.5, 0.7, 0.9)
    by_answers = PLAN.model_copy(update={"best_by": "exact"})
    assert "overfitting" in {one.kind for one in diagnose(PLAN, curve)}
    assert "overfitting" not in {one.kind for one in diagnose(by_answers, curve)}


def test_without_validation_only_what_the_weights_tell_is_told() -> None:
    assert diagnose(PLAN, Curve(losses=(1.0,) * 30)) == ()
    assert [one.kind for one in diagnose(PLAN, Curve(moved=0.0))] == ["adapter without effect"]


def test_the_ends_of_answers_are_looked_at_whether_they_are_trained_or_not(base: Checkpoint) -> None:
    chat = Chat.load(base.path)
    whole = [chat.render(one.messages) for one in make_examples(6)]
    assert probes(chat, whole)["ending"] == probes(chat, endless(whole))["ending"]
    ending = probes(chat, whole)["ending"][0]
    assert ending.ids[-1] in chat.stop_ids and sum(ending.trained) == 1 and ending.trained[-1]
    assert len(probes(chat, whole)["general"]) == len(GENERAL)


def test_the_run_streams_and_keeps_what_it_measures(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    events: list[Event] = []
    made = train.run(context(events), SPEC, base, dataset, task)
    progress = [event.data for event in events if event.kind == "progress"][-1]
    wanted = {"loss", "learning_rate", "tokens_per_second", "seconds_left", "memory_gb", "gradient_norm"}
    assert wanted <= set(progress)
    measured = [event.data for event in events if event.kind == "metric"][-1]
    assert {"validation_loss", "perplexity", "general_loss", "ending_loss", "ending_exact"} <= set(measured)
    manifest = json.loads((made.path / "run.json").read_bytes())
    assert len(manifest["curve"]["norms"]) == len(manifest["curve"]["losses"])
    assert "general_loss" in manifest["curve"]["validation"][-1]["figures"]


def test_answers_in_words_are_scored_at_every_look(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    events: list[Event] = []
    spec = SPEC.model_copy(
        update={"backend": Named(name="local", options={"precision": "fp32", "answers": 4})}
    )
    train.run(context(events), spec, base, dataset, task)
    said = [event.data for event in events if event.kind == "metric"]
    assert said[0]["generated_exact"] == 0.0 and said[-1]["generated_token_f1"] >= 0.5
    assert said[-1]["generated_exact"] <= said[-1]["generated_token_f1"]


def test_every_finding_of_a_run_has_a_name_of_its_own() -> None:
    assert len({rule.kind for rule in RULES}) == len(RULES) == 7
