"""Bottlenecks are what Houlsby et al. describe, begin without effect, and take the fast step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from tunewright import train
from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime import plugins
from tunewright.runtime.adapters.loading import put_on
from tunewright.runtime.chat import Chat
from tunewright.runtime.plugins import Named
from tunewright.train.torch.batches import common_prefix
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork, network_for
from tunewright.train.torch.worth import Rater
from tunewright.train.tuners.bottleneck import Bottleneck

from .conftest import SPEC, make_context, make_dataset
from .test_fast_step import exact_norm, farthest, rendered, step
from .test_methods import pairs

IDS = torch.tensor([[1, 5, 9, 30, 41]])


def plain(base: Checkpoint) -> nn.Module:
    model: nn.Module = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    return model


def moved(base: Checkpoint, tuner: Bottleneck | None = None) -> nn.Module:
    """Bottlenecks that have an effect."""
    model: nn.Module = (tuner or Bottleneck(size=8)).prepare(plain(base), 0)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            nn.init.normal_(weight, std=0.2, generator=torch.Generator().manual_seed(len(name)))
    return model


class Slow(nn.Module):
    """A part of a block with its bottleneck behind it, as the paper draws it."""

    def __init__(self, part: nn.Module, weights: dict[str, torch.Tensor], bend: nn.Module) -> None:
        super().__init__()
        self.part, self.weights, self.bend = part, weights, bend

    def forward(self, *args: object, **options: object) -> object:
        found = self.part(*args, **options)
        x = found[0] if isinstance(found, tuple) else found
        inner = self.bend(x @ self.weights["down.weight"].T + self.weights["down.bias"])
        x = x + inner @ self.weights["up.weight"].T + self.weights["up.bias"]
        return (x, *found[1:]) if isinstance(found, tuple) else x


@pytest.mark.parametrize("after", [("self_attn", "mlp"), ("mlp",)])
@pytest.mark.parametrize(
    ("bend", "function"), [("gelu", nn.GELU()), ("relu", nn.ReLU()), ("silu", nn.SiLU())]
)
def test_they_compute_what_the_paper_says(
    base: Checkpoint, after: tuple[str, ...], bend: str, function: nn.Module
) -> None:
    model = moved(base, Bottleneck(size=8, after=after, bend=bend))  # type: ignore[arg-type]
    own, reference = model.own(), plain(base)
    assert len(own) == 2 * len(after) * 4
    for number, block in enumerate(reference.model.layers):
        for part in after:
            start = f"model.layers.{number}.{part}.bottleneck."
            weights = {name.removeprefix(start): w for name, w in own.items() if name.startswith(start)}
            setattr(block, part, Slow(getattr(block, part), weights, function))
    with torch.no_grad():
        assert torch.allclose(model(IDS).logits, reference(IDS).logits, atol=1e-5)
        assert not torch.allclose(model(IDS).logits, plain(base)(IDS).logits, atol=1e-2)


def test_they_begin_without_effect_and_nothing_else_moves(base: Checkpoint) -> None:
    model = Bottleneck(size=8).prepare(plain(base), 0)
    with torch.no_grad():
        assert torch.equal(model(IDS).logits, plain(base)(IDS).logits)
    trained = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert len(trained) == 16 and all(".bottleneck." in name for name in trained)
    again = Bottleneck(size=8).prepare(plain(base), 0)
    assert all(torch.equal(weight, again.own()[name]) for name, weight in model.own().items())


@pytest.mark.parametrize("shared", [True, False])
def test_the_fast_step_has_the_gradients_of_the_plain_one_to_nine_digits(
    base: Checkpoint, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr(LlamaRMSNorm, "forward", exact_norm)
    items = rendered(base)
    prefix = common_prefix(items) if shared else 0
    model = moved(base).double()
    loss, expected = step(PlainNetwork(model), model, items, prefix)  # type: ignore[arg-type]
    network, note = network_for(model)
    assert isinstance(network, FastLlama) and not note
    fast, found = step(network, model, items, prefix)  # type: ignore[arg-type]
    assert len(found) == 16 and fast == pytest.approx(loss, rel=1e-12)
    assert farthest(found, expected) < 1e-9


def test_a_part_that_the_model_does_not_have_is_refused_with_those_it_has(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"tuner": Named(name="bottleneck", options={"after": ["attention"]})})
    with pytest.raises(ModelError, match="no part `attention`") as caught:
        train.run(make_context(tmp_path), spec, base, dataset, task)
    assert "`self_attn`, `mlp`" in caught.value.problems[0].fix


def test_a_further_round_goes_on_from_the_bottlenecks_of_the_one_before(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"tuner": Named(name="bottleneck", options={"size": 8})})
    first = train.run(make_context(tmp_path / "one"), spec, base, dataset, task)
    events: list[Event] = []
    second = train.run(make_context(tmp_path / "two", events), spec, first, dataset, task)
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert looks[0] == pytest.approx(first.metrics["validation_loss"], rel=1e-4)
    assert second.metrics["validation_loss"] <= looks[0]
    with torch.no_grad():
        scores = [put_on(plain(base), made.path)(IDS).logits for made in (first, second)]
    assert not torch.allclose(*scores, atol=1e-3)


def test_a_model_that_rates_is_made_of_bottlenecks_and_its_head(
    base: Checkpoint, task: Task, tmp_path: Path
) -> None:
    dataset = make_dataset(tmp_path / "pairs", pairs(24), pairs(8, 100))
    tuner = Named(name="bottleneck", options={"size": 8})
    spec = SPEC.model_copy(update={"tuner": tuner, "method": Named(name="reward")})
    made = train.run(make_context(tmp_path), spec, base, dataset, task)
    head = AutoModelForSequenceClassification.from_pretrained(base.path, num_labels=1)
    assert "score.weight" in put_on(head, made.path).own()
    rater = Rater(base.path, made.path, torch.float32, torch.device("cpu"))
    items = plugins.make("methods", "reward").render(pairs(12, 200), Chat.load(base.path), "Name the desk.")
    ratings = rater(items, [])
    assert (ratings[:12] > ratings[12:]).double().mean() >= 0.75
