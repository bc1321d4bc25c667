"""Every tuner trains, is saved, opens in the engine, merges, and gives the same answers merged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tunewright import train
from tunewright.core.errors import SpecError, TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime import plugins
from tunewright.runtime.adapters.loading import save
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.train.torch.batches import collate
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork

from .conftest import SPEC
from .test_fast_step import rendered

Contexts = Callable[..., Context]
TUNERS = [
    Named(name="lora", options={"rslora": True, "r": 8}),
    Named(name="lora", options={"dropout": 0.1, "targets": ["q_proj", "v_proj"]}),
    Named(name="dora", options={"r": 4}),
    Named(name="dora", options={"r": 8, "rslora": True}),
    Named(name="ia3"),
]


@pytest.mark.parametrize("tuner", TUNERS, ids=lambda one: "-".join([one.name, *one.options]))
def test_a_tuner_trains_is_saved_and_merges_to_the_same_scores(
    tuner: Named, base: Checkpoint, dataset: Dataset, task: Task, context: Contexts, tmp_path: Path
) -> None:
    events: list[Event] = []
    rate = 5e-2 if tuner.name == "ia3" else 5e-3
    spec = SPEC.model_copy(update={"tuner": tuner, "learning_rate": rate})
    made = train.run(context(events), spec, base, dataset, task)
    assert made.tuner == tuner.name and made.trained_parameters > 0
    assert any("weights are trained" in event.message for event in events)
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert min(looks) < 0.95 * looks[0]
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    ids = torch.tensor([[1, 5, 9, 30, 41]])
    with torch.no_grad():
        untouched = plain(ids).logits
        tuned = PeftModel.from_pretrained(plain, made.path).eval()
        adapted = tuned(ids).logits
        merged = tuned.merge_and_unload()(ids).logits
    assert not torch.allclose(untouched, adapted, atol=1e-3)
    assert torch.allclose(adapted, merged, atol=1e-4)


def test_a_model_that_was_tuned_whole_answers_in_a_fresh_process_and_is_packed_as_it_is(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts, tmp_path: Path
) -> None:
    events: list[Event] = []
    spec = SPEC.model_copy(update={"tuner": Named(name="full"), "learning_rate": 2e-3})
    made = train.run(context(events), spec, base, dataset, task)
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert min(looks) < 0.95 * looks[0]
    assert "80," in next(event.message for event in events if "100.0% of all" in event.message)
    assert (made.path / "model.safetensors").exists() and not (made.path / "adapter_config.json").exists()
    assert "A whole model" in (made.path / "card.md").read_text()
    ids = torch.tensor([[1, 5, 9, 30, 41]])
    fresh = "import sys, torch; from transformers import AutoModelForCausalLM as A;"
    fresh += (
        "print(A.from_pretrained(sys.argv[1])(torch.tensor([[1, 5, 9, 30, 41]])).logits[0, -1, :3].tolist())"
    )
    said = subprocess.run(
        [sys.executable, "-c", fresh, made.path], capture_output=True, text=True, check=True
    )
    with torch.no_grad():
        untouched = AutoModelForCausalLM.from_pretrained(base.path)(ids).logits[0, -1, :3]
        mine = AutoModelForCausalLM.from_pretrained(made.path)(ids).logits[0, -1, :3]
    assert json.loads(said.stdout) == pytest.approx(mine.tolist()) != untouched.tolist()
    settings = Settings(cache=tmp_path / "cache", threads=1, offline=True)
    packed = tmp_path / "packed"
    packed.mkdir()
    plugins.make("exports", Named(name="merged")).pack(made, packed, settings)
    assert AutoModelForCausalLM.from_pretrained(packed)(ids).logits[0, -1, :3].tolist() == mine.tolist()


@pytest.mark.parametrize("kind", ["lora", "dora", "qlora"])
@pytest.mark.parametrize(("rslora", "scale"), [(False, 24 / 9), (True, 24 / 3)])
def test_the_change_is_scaled_by_alpha_over_the_rank_or_its_root_as_peft_does(
    base: Checkpoint, kind: str, rslora: bool, scale: float, tmp_path: Path
) -> None:
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    options = {"r": 9, "alpha": 24, "rslora": rslora}
    tuned = plugins.make("tuners", Named(name=kind, options=options)).prepare(plain, 0)
    scales = [layer.scaling["default"] for layer in tuned.modules() if hasattr(layer, "lora_A")]
    assert scales == [pytest.approx(scale)] * 14
    save(tuned, tmp_path, "tiny")
    assert json.loads((tmp_path / "adapter_config.json").read_text())["use_rslora"] is rslora


def test_the_fast_step_scales_by_the_root_as_peft_does(base: Checkpoint) -> None:
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    tuner = Named(name="lora", options={"r": 9, "alpha": 24, "rslora": True})
    tuned = plugins.make("tuners", tuner).prepare(plain, 0).double()
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    batch = collate(rendered(base), 0, torch.device("cpu"))
    weights = [weight for weight in tuned.parameters() if weight.requires_grad]
    losses = [network.losses(batch) for network in (PlainNetwork(tuned), FastLlama(tuned))]
    slopes = [torch.autograd.grad(loss.sum(), weights) for loss in losses]
    assert torch.allclose(*losses, rtol=1e-5)
    for one, other in zip(*slopes, strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6 * float(one.abs().max()))


@pytest.mark.parametrize("kind", ["lora", "dora", "qlora"])
def test_layers_that_the_model_does_not_have_are_refused_with_those_it_has(
    kind: str, base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    tuner = Named(name=kind, options={"targets": ["query"]})
    with pytest.raises(TrainError, match="query") as caught:
        train.run(context(), SPEC.model_copy(update={"tuner": tuner}), base, dataset, task)
    (problem,) = caught.value.problems
    assert problem.where == f"train.tuner.{kind}" and "q_proj" in problem.fix and "lm_head" not in problem.fix


def test_a_scaled_input_must_be_a_target() -> None:
    with pytest.raises(SpecError, match="name it in `targets`"):
        plugins.make("tuners", Named(name="ia3", options={"inputs": ["up_proj"]}))
