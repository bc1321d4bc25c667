"""The stage as a whole, on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tunewright import train
from tunewright.core import digest
from tunewright.core.errors import Stopped, TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Portion, Task
from tunewright.runtime.chat import Chat
from tunewright.runtime.context import Context
from tunewright.runtime.examples import REPLAY
from tunewright.train.methods.sft import Sft
from tunewright.train.ports import Curve

from .conftest import SPEC, make_context, make_dataset, make_examples

Contexts = Callable[..., Context]


def curve_of(checkpoint: Checkpoint) -> Curve:
    return Curve.model_validate(json.loads((checkpoint.path / "run.json").read_bytes())["curve"])


def test_training_lowers_the_validation_loss_and_tells_how_far_it_is(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    events: list[Event] = []
    made = train.run(context(events), SPEC, base, dataset, task)
    curve = curve_of(made)
    assert curve.validation[-1].loss < 0.8 * curve.validation[0].loss
    assert made.tuner == "lora" and made.method == "sft" and made.instruction == "Name the desk."
    assert made.metrics["validation_loss"] == curve.best.loss  # type: ignore[union-attr]
    last = [event for event in events if event.kind == "progress"][-1].data
    assert {"done", "total", "loss", "tokens_per_second", "seconds_left", "memory_gb"} <= set(last)
    assert not (made.path / "checkpoints").exists()


def test_the_smallest_numbers_are_numbers_again_after_a_run(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    train.run(context(), SPEC, base, dataset, task)
    assert torch.tensor([1e-39]).mul(0.5).item() > 0


def test_nobody_is_asked_for_the_base_model_of_an_adapter_that_is_kept(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts, recwarn: pytest.WarningsRecorder
) -> None:
    named = base.base.model_copy(update={"name": "someone/model-of-the-hub"})
    train.run(context(), SPEC, base.model_copy(update={"base": named}), dataset, task)
    assert not [one for one in recwarn if "remote file" in str(one.message)]


def test_the_adapter_loads_with_plain_peft_and_gives_the_best_validation_loss(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    made = train.run(context(), SPEC, base, dataset, task)
    model = AutoModelForCausalLM.from_pretrained(base.path)
    tuned = PeftModel.from_pretrained(model, made.path)
    ids = torch.tensor([[1, 5, 9, 30]])
    with torch.no_grad(), tuned.disable_adapter():
        plain = tuned(ids).logits
    with torch.no_grad():
        assert not torch.allclose(plain, tuned(ids).logits)


def test_the_template_is_frozen_beside_the_adapter(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    made = train.run(context(), SPEC.model_copy(update={"epochs": 0.2}), base, dataset, task)
    text = (made.path / "chat_template.jinja").read_text(encoding="utf-8")
    assert digest.of_text(text) == made.template_sha256
    manifest = json.loads((made.path / "run.json").read_bytes())
    assert manifest["data"]["digest"] == dataset.digest and manifest["base"]["sha256"] == base.base.sha256
    assert {"seed", "versions", "hardware", "spec", "template_sha256"} <= set(manifest)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    curves = [
        curve_of(train.run(make_context(tmp_path / str(place), seed=seed), SPEC, base, dataset, task))
        for place, seed in enumerate((1, 1, 2))
    ]
    assert curves[0].losses == curves[1].losses != curves[2].losses


def test_a_stopped_run_goes_on_where_it_was(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    whole = train.run(make_context(tmp_path / "whole"), SPEC, base, dataset, task)
    asked = iter([False] * 7 + [True] * 100)
    with pytest.raises(Stopped):
        train.run(make_context(tmp_path / "cut", should_stop=lambda: next(asked)), SPEC, base, dataset, task)
    events: list[Event] = []
    rest = train.run(make_context(tmp_path / "cut", events), SPEC, base, dataset, task)
    assert any("going on from step" in event.message for event in events)
    assert curve_of(rest).losses == curve_of(whole).losses
    assert curve_of(rest).validation == curve_of(whole).validation
    weights = [(made.path / "adapter_model.safetensors").read_bytes() for made in (whole, rest)]
    assert weights[0] == weights[1]


def test_it_stops_early_and_keeps_the_best(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    opposite = [
        item.model_copy(
            update={"messages": (item.messages[0], item.messages[1].model_copy(update={"content": "zzzz"}))}
        )
        for item in make_examples(6, 100)
    ]
    contrary = make_dataset(tmp_path / "contrary", make_examples(24), opposite)
    spec = SPEC.model_copy(update={"epochs": 30, "patience": 2})
    made = train.run(make_context(tmp_path), spec, base, contrary, task)
    curve = curve_of(made)
    assert len(curve.losses) < 30 * 6
    best = curve.best
    assert best is not None and best.loss == min(look.loss for look in curve.validation)


def test_a_hopeless_rate_is_told_before_anything_is_spent(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    with pytest.raises(TrainError, match="will diverge"):
        train.run(context(), SPEC.model_copy(update={"learning_rate": 0.5}), base, dataset, task)


def test_too_long_an_example_is_refused_with_its_length(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    with pytest.raises(TrainError, match="of 20 tokens"):
        train.run(context(), SPEC.model_copy(update={"max_tokens": 20}), base, dataset, task)


def test_broken_weights_end_the_run_with_a_remedy(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    import shutil

    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(base.path, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][:] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainError, match="diverged") as caught:
        train.run(make_context(tmp_path), SPEC, base.model_copy(update={"path": broken}), dataset, task)
    (problem,) = caught.value.problems
    assert "fetch the base model again" in problem.fix and problem.kind == "NaN"  # type: ignore[attr-defined]


def test_undesirable_answers_are_left_out_with_a_note(base: Checkpoint, task: Task, tmp_path: Path) -> None:
    good = make_examples(24)
    bad = [one.model_copy(update={"id": f"bad-{one.id}", "desirable": False}) for one in make_examples(5, 50)]
    events: list[Event] = []
    spec = SPEC.model_copy(update={"epochs": 0.5})
    runs = {
        name: train.run(
            make_context(tmp_path / name, events),
            spec,
            base,
            make_dataset(tmp_path / f"data-{name}", examples, make_examples(6, 100)),
            task,
        )
        for name, examples in (("mixed", [*good, *bad]), ("good", good))
    }
    told = [event.message for event in events if "left out" in event.message]
    assert told == ["`sft` cannot learn from 5 training examples: they are left out"]
    assert curve_of(runs["mixed"]).losses == curve_of(runs["good"]).losses


def test_general_examples_are_learned_without_the_instruction_of_the_task(base: Checkpoint) -> None:
    chat = Chat.load(base.path)
    (one,) = make_examples(1)
    general = one.model_copy(update={"tags": (REPLAY,), "weight": 0.5})
    (rendered,) = Sft().render([general], chat, "Name the desk.")
    assert rendered.ids == chat.render(one.messages).ids and rendered.weight == 0.5
    assert Sft().render([one], chat, "Name the desk.")[0].ids != rendered.ids


def test_the_card_says_what_was_trained_on(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    mix = (
        Portion(source="desk.csv", examples=12, standing=18, share=0.75, weight=1.0),
        Portion(source="general.json", examples=6, standing=6, share=0.25, weight=0.5, replay=True),
    )
    spec = SPEC.model_copy(update={"epochs": 0.2})
    made = train.run(context(), spec, base, dataset.model_copy(update={"mix": mix}), task)
    page = (made.path / "card.md").read_text(encoding="utf-8")
    assert "| desk.csv | 12 | 18 | 75.0% | 1 |" in page
    assert "| general.json (general, against forgetting) | 6 | 6 | 25.0% | 0.5 |" in page
    assert json.loads((made.path / "run.json").read_bytes())["data"]["mix"][1]["replay"]
