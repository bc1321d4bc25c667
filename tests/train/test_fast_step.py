"""The fast step is the mathematics of transformers and PEFT, number for number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from tunewright.core.types import Checkpoint
from tunewright.runtime import models
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.methods.sft import Sft
from tunewright.train.torch import attention
from tunewright.train.torch.batches import collate, common_prefix
from tunewright.train.torch.gradients import Gradients
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import Network, PlainNetwork
from tunewright.train.torch.room import Room

from .conftest import make_examples

CPU = torch.device("cpu")


def put_lora(folder: Path, dtype: torch.dtype, seed: int = 0, moved: float = 0.2) -> PeftModel:
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.manual_seed(seed)
    config = LoraConfig(r=4, lora_alpha=12, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(plain, config)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=moved)
    return tuned.to(dtype)


def rendered(base: Checkpoint, instruction: str | None = "Name the desk.") -> list[Rendered]:
    chat = Chat.load(base.path)
    return Sft().render(make_examples(6), chat, instruction)


def step(
    network: Network, model: PeftModel, items: Sequence[Rendered], prefix: int
) -> tuple[float, dict[str, torch.Tensor]]:
    batch = collate(items, prefix, CPU)
    model.zero_grad()
    loss = Sft().loss(network, batch) / len(batch.targets)
    loss.backward()
    slopes = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    return loss.item(), {name: slope.double().clone() for name, slope in slopes.items()}


def farthest(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Largest distance of a gradient from the expected one, as a share of its length."""
    assert found.keys() == expected.keys()
    return max(float((found[name] - slope).norm() / slope.norm()) for name, slope in expected.items())


def exact_norm(self: LlamaRMSNorm, x: torch.Tensor) -> torch.Tensor:
    """The norm of transformers is computed in fp32 whatever the input is."""
    scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
    return self.weight * (x * scale)  # type: ignore[no-any-return]


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LlamaRMSNorm, "forward", exact_norm)


@pytest.fixture(scope="session")
def embedded() -> Checkpoint:
    found = models.cached(models.show("smollm2-135m-instruct"), environment.read())
    if found is None:
        pytest.skip("`tunewright models fetch smollm2-135m-instruct` first")
    return found


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("block", [attention.BLOCK, 4])
@pytest.mark.parametrize("shared", [True, False])
def test_in_double_precision_every_gradient_is_that_of_transformers_and_peft_to_nine_digits(
    base: Checkpoint, monkeypatch: pytest.MonkeyPatch, shared: bool, block: int
) -> None:
    monkeypatch.setattr(attention, "BLOCK", block)
    items = rendered(base)
    prefix = common_prefix(items) if shared else 0
    assert (prefix > 10) == shared
    model = put_lora(base.path, torch.float64)
    loss, expected = step(PlainNetwork(model), model, items, prefix)
    fast, found = step(FastLlama(model), model, items, prefix)
    assert len(found) == 2 * 7 * 2
    assert fast == pytest.approx(loss, rel=1e-12)
    assert farthest(found, expected) < 1e-9


def test_in_single_precision_the_embedded_model_has_the_gradients_of_transformers_and_peft(
    embedded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = rendered(embedded)
    prefix = common_prefix(items)
    single = put_lora(embedded.path, torch.float32, moved=0.02)
    loss, found = step(FastLlama(single), single, items, prefix)
    # In fp32 the sums of torch's own cross-entropy are rounded more coarsely than ours (LAB.md), so
    # what both should give is computed in double precision.
    monkeypatch.setattr(LlamaRMSNorm, "forward", exact_norm)
    double = put_lora(embedded.path, torch.float64, moved=0.02)
    expected_loss, expected = step(PlainNetwork(double), double, items, prefix)
    assert len(found) == 2 * 7 * 30
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert farthest(found, expected) < 1e-4


def train(base: Checkpoint, fast: bool, seed: int, steps: int = 100) -> list[float]:
    """Training losses of a run."""
    items, model = rendered(base), put_lora(base.path, torch.float32, seed, moved=0.0)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    network: Network = FastLlama(model) if fast else PlainNetwork(model)
    optimizer = torch.optim.AdamW(weights, lr=3e-3, weight_decay=0.0)
    gradients = Gradients(
        method=Sft(),
        network=network,
        accelerator=Accelerator(cpu=True),
        weights=weights,
        prefix=common_prefix(items),
        room=Room(4096, 1, print),
    )
    losses = []
    for number in range(steps):
        losses.append(gradients(items[number % 3 :: 3], number))
        optimizer.step()
        network.refresh()
        optimizer.zero_grad()
    return losses


def test_a_hundred_steps_stay_within_the_noise_of_the_seed(base: Checkpoint) -> None:
    plain, fast = (torch.tensor(train(base, fast, seed=0)) for fast in (False, True))
    others = torch.stack([torch.tensor(train(base, True, seed=seed)) for seed in (1, 2)])
    noise = (others[0] - others[1]).abs().mean()
    assert plain[-10:].mean() < 0.7 * plain[:10].mean()
    assert (fast - plain).abs().mean() < 0.1 * noise


def test_what_stands_in_one_example_moves_no_gradient_of_another(base: Checkpoint) -> None:
    items = rendered(base)
    prefix = common_prefix(items)
    model = put_lora(base.path, torch.float64)
    network = FastLlama(model)
    batch = collate(items, prefix, CPU)
    mine = torch.arange(len(batch.targets))[batch.places // batch.ids.shape[1] == 0]
    model.zero_grad()
    before = network.losses(batch)[mine]
    alone = torch.autograd.grad(before.sum(), [w for w in model.parameters() if w.requires_grad])
    batch.ids[1:] = batch.ids[1:].flip(1)
    after = network.losses(batch)[mine]
    again = torch.autograd.grad(after.sum(), [w for w in model.parameters() if w.requires_grad])
    assert torch.allclose(before, after, rtol=1e-12)
    assert all(
        torch.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in zip(alone, again, strict=True)
    )
