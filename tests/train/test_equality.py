"""The fast step computes what plain transformers, PEFT and TRL compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from hypothesis import given
from hypothesis import strategies as st
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from tunewright.core.types import Checkpoint
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.methods.sft import Sft
from tunewright.train.torch import products
from tunewright.train.torch.attention import grouped
from tunewright.train.torch.batches import collate, common_prefix, order_of, portions
from tunewright.train.torch.gradients import Gradients
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork, network_for
from tunewright.train.torch.room import Room

from .conftest import make_examples

CPU = torch.device("cpu")


@pytest.fixture
def model(base: Checkpoint) -> PeftModel:
    torch.manual_seed(0)
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    tuned = get_peft_model(plain, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return tuned


@pytest.fixture
def rendered(base: Checkpoint) -> list[Rendered]:
    chat = Chat.load(base.path)
    return Sft().render(make_examples(6), chat, "Name the desk.")


def labelled(items: list[Rendered]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    width = max(len(item.ids) for item in items)
    ids = torch.full((len(items), width), 2)
    seen, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, item in enumerate(items):
        length = len(item.ids)
        ids[row, :length], seen[row, :length] = torch.tensor(item.ids), 1
        labels[row, :length] = torch.where(torch.tensor(item.trained), torch.tensor(item.ids), -100)
    return ids, seen, labels


def gradients(model: PeftModel, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("shared", [True, False])
def test_loss_and_gradients_equal_transformers_and_peft(
    model: PeftModel, rendered: list[Rendered], shared: bool
) -> None:
    ids, seen, labels = labelled(rendered)
    plain = model(input_ids=ids, attention_mask=seen, labels=labels).loss
    expected = gradients(model, plain)
    prefix = common_prefix(rendered) if shared else 0
    assert (prefix > 10) == shared
    batch = collate(rendered, prefix, CPU)
    fast = Sft().loss(FastLlama(model), batch) / len(batch.targets)
    found = gradients(model, fast)
    assert fast.item() == pytest.approx(plain.item(), rel=1e-5)
    assert found.keys() == expected.keys() and len(found) == 2 * 7 * 2
    for name, slope in expected.items():
        assert torch.allclose(found[name], slope, rtol=1e-3, atol=1e-5 * slope.abs().max().item()), name


def test_the_plain_network_gives_the_same_loss(model: PeftModel, rendered: list[Rendered]) -> None:
    batch = collate(rendered, common_prefix(rendered), CPU)
    assert Sft().loss(PlainNetwork(model), batch).item() == pytest.approx(
        Sft().loss(FastLlama(model), batch).item(), rel=1e-5
    )


def test_texts_without_a_trained_token_have_no_losses(model: PeftModel, rendered: list[Rendered]) -> None:
    silent = [replace(one, trained=(False,) * len(one.ids)) for one in rendered]
    for network in (FastLlama(model), PlainNetwork(model)):
        assert network.losses(collate(silent, 0, CPU)).shape == (0,)


def test_whole_weights_in_fp32_are_computed_with_in_bf16_and_have_gradients_in_fp32(
    model: PeftModel, rendered: list[Rendered]
) -> None:
    whole = model.unload().requires_grad_(True)
    batch = collate(rendered, common_prefix(rendered), CPU)
    exact, coarse = (PlainNetwork(whole, computed) for computed in (None, torch.bfloat16))
    losses, rounded = exact.losses(batch), coarse.losses(batch)
    assert rounded.dtype == torch.float32 and not torch.equal(losses, rounded)
    assert torch.allclose(losses, rounded, rtol=0.02, atol=0.02)
    wanted, found = (torch.autograd.grad(one.mean(), list(whole.parameters())) for one in (losses, rounded))
    assert {slope.dtype for slope in found} == {torch.float32}
    for one, other in zip(wanted, found, strict=True):
        assert torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0) > 0.99


def test_a_judged_batch_has_the_same_loss_and_says_what_greedy_decoding_would_say(
    model: PeftModel, rendered: list[Rendered]
) -> None:
    batch = collate(rendered, common_prefix(rendered), CPU)
    for network in (FastLlama(model), PlainNetwork(model)):
        losses, right = network.judge(batch)
        assert losses.sum().item() == pytest.approx(Sft().loss(network, batch).item(), rel=1e-5)
        assert len(right) == len(batch.targets) and not right.all()


def test_no_example_sees_another(model: PeftModel, rendered: list[Rendered]) -> None:
    network, prefix = FastLlama(model), common_prefix(rendered)
    together = Sft().loss(network, collate(rendered, prefix, CPU)).item()
    alone = sum(Sft().loss(network, collate([item], prefix, CPU)).item() for item in rendered)
    assert together == pytest.approx(alone, rel=1e-5)


def test_a_divided_step_gives_the_same_gradients(model: PeftModel, rendered: list[Rendered]) -> None:
    network, prefix = FastLlama(model), common_prefix(rendered)
    whole = gradients(model, Sft().loss(network, collate(rendered, prefix, CPU)))
    model.zero_grad()
    parts = list(portions(rendered, prefix, 64, padded=False))
    assert len(parts) > 1 and sum(map(len, parts)) == len(rendered)
    for part in parts:
        Sft().loss(network, collate(part, prefix, CPU)).backward()
    for name, weight in model.named_parameters():
        if weight.grad is not None:
            assert torch.allclose(
                weight.grad, whole[name], rtol=1e-3, atol=1e-5 * whole[name].abs().max().item()
            )


def test_the_loss_is_that_of_trl_on_the_same_batch(
    base: Checkpoint, model: PeftModel, rendered: list[Rendered], tmp_path: Path
) -> None:
    from datasets import Dataset as Table
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    table = Table.from_list(
        [{"input_ids": list(i.ids), "completion_mask": [int(t) for t in i.trained]} for i in rendered]
    )
    settings = SFTConfig(
        output_dir=str(tmp_path),
        per_device_train_batch_size=len(rendered),
        report_to=[],
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        completion_only_loss=True,
        max_length=None,
    )
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    trainer = SFTTrainer(model=model, args=settings, train_dataset=table, processing_class=tokenizer)
    inputs = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        expected = trainer.compute_loss(trainer.model, inputs).item()
    batch = collate(rendered, common_prefix(rendered), CPU)
    assert (Sft().loss(FastLlama(model), batch) / len(batch.targets)).item() == pytest.approx(
        expected, rel=1e-4
    )


def test_other_adapters_take_the_plain_network(base: Checkpoint) -> None:
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    config = LoraConfig(r=4, use_dora=True, target_modules="all-linear", task_type="CAUSAL_LM")
    network, note = network_for(get_peft_model(plain, config))
    assert isinstance(network, PlainNetwork) and "not plain LoRA" in note


def test_dropout_with_the_same_draw_gives_the_loss_and_gradients_of_peft(
    base: Checkpoint, rendered: list[Rendered], monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(shape: torch.Size, *_: object) -> tuple[torch.Tensor, float]:
        # the same inputs in every row, for the last layer is computed at some rows only
        left = torch.rand(shape[-1], generator=torch.Generator().manual_seed(5)) >= 0.25
        return left, 1 / 0.75

    class Draw(torch.nn.Module):
        p = 0.25

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            left, makeup = draw(x.shape)
            return x * left * makeup

    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    config = LoraConfig(r=4, lora_dropout=0.25, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(plain, config)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    for module in model.modules():
        if hasattr(module, "lora_dropout"):
            module.lora_dropout["default"] = Draw()
    monkeypatch.setattr("tunewright.train.torch.products.kept", draw)
    batch = collate(rendered[:1], 0, CPU)
    expected_loss = Sft().loss(PlainNetwork(model), batch)
    expected = gradients(model, expected_loss)
    network, note = network_for(model)
    loss = Sft().loss(network, batch)
    found = gradients(model, loss)
    assert isinstance(network, FastLlama) and not note
    assert loss.item() == pytest.approx(expected_loss.item(), rel=1e-5)
    for name, slope in expected.items():
        assert torch.allclose(found[name], slope, rtol=1e-3, atol=1e-5 * slope.abs().max().item()), name
    losses, _ = network.judge(batch)
    assert losses.sum().item() != pytest.approx(loss.item(), rel=1e-5), "no dropout where nothing is learned"


def test_dropout_leaves_the_asked_share_and_makes_up_for_the_rest() -> None:
    chance, shape = torch.Generator().manual_seed(0), torch.Size((1001, 576))
    left, makeup = products.kept(shape, 0.1, chance)
    assert left.shape == shape and left.float().mean().item() == pytest.approx(1 / makeup, abs=2e-3)
    assert 1 / makeup == pytest.approx(0.9, abs=1 / 512)
    again, _ = products.kept(shape, 0.1, chance)
    assert not torch.equal(left, again)


@pytest.mark.parametrize("threads", [2, 3])
def test_parts_computed_side_by_side_give_the_loss_and_gradients_of_the_whole(
    model: PeftModel, rendered: list[Rendered], threads: int
) -> None:
    from accelerate import Accelerator

    def gradients_with(number: int) -> tuple[float, list[torch.Tensor]]:
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        model.zero_grad()
        step = Gradients(
            method=Sft(),
            network=FastLlama(model),
            accelerator=Accelerator(cpu=True),
            weights=weights,
            prefix=common_prefix(rendered),
            room=Room(64 * number, number, print),
        )
        return step(rendered, seed=3), [weight.grad.clone() for weight in weights]

    alone, expected = gradients_with(1)
    together, found = gradients_with(threads)
    again, repeated = gradients_with(threads)
    assert together == pytest.approx(alone, rel=1e-6)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-5 * other.abs().max().item())
    assert again == together and all(map(torch.equal, repeated, found))


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own() -> None:
    steps = order_of(403, 8, seed=1, epoch=0)
    assert sorted(place for step in steps for place in step) == list(range(403))
    assert [len(step) for step in steps] == [8] * 50 + [3]
    assert steps == order_of(403, 8, seed=1, epoch=0) != order_of(403, 8, seed=1, epoch=1)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_groups_hold_every_token_once_and_waste_little(lengths: list[int]) -> None:
    groups = grouped(lengths, CPU)
    places = torch.cat([group.index.flatten()[group.real] for group in groups])
    assert sorted(places.tolist()) == list(range(sum(lengths)))
    own = torch.arange(sum(lengths))[:, None]
    again = torch.full_like(own, -1)
    for group in groups:
        assert len(group.padding) <= 0.2 * group.index.numel() + 8 * len(group.index)
        group.put(group.take(own), again)
    assert torch.equal(again, own)


def test_where_padding_costs_a_part_holds_texts_of_like_length() -> None:
    items = [Rendered((1,) * length, (False,) + (True,) * (length - 1)) for length in (5, 60, 6, 50, 7)]
    parts = list(portions(items, 0, 1000, padded=True))
    assert [[len(item.ids) for item in part] for part in parts] == [[5, 6, 7], [50, 60]]
    (whole,) = portions(items, 0, 1000, padded=False)
    assert len(whole) == 5


def weighted_step(model: PeftModel, items: list[Rendered], fast: bool) -> dict[str, torch.Tensor]:
    network = FastLlama(model) if fast else PlainNetwork(model)
    batch = collate(items, common_prefix(items), CPU)
    return gradients(model, Sft().loss(network, batch) / sum(map(Sft().amount, items)))


@pytest.mark.parametrize("fast", [True, False])
def test_a_weight_of_two_is_standing_twice(model: PeftModel, rendered: list[Rendered], fast: bool) -> None:
    twice = weighted_step(model, [*rendered, rendered[2]], fast)
    weighed_two = [replace(item, weight=2.0) if item is rendered[2] else item for item in rendered]
    found, plain = weighted_step(model, weighed_two, fast), weighted_step(model, rendered, fast)
    for name, slope in twice.items():
        assert torch.allclose(found[name], slope, rtol=1e-3, atol=1e-5 * slope.abs().max().item()), name
    assert any(not torch.allclose(plain[name], slope, rtol=1e-2) for name, slope in twice.items())


def test_weights_of_one_and_equal_weights_change_nothing(model: PeftModel, rendered: list[Rendered]) -> None:
    batch = collate(rendered, common_prefix(rendered), CPU)
    assert batch.weights is None
    ones = torch.ones(len(batch.targets))
    for network in (FastLlama(model), PlainNetwork(model)):
        found = Sft().loss(network, replace(batch, weights=ones)).item()
        assert found == pytest.approx(Sft().loss(network, batch).item(), rel=1e-6)
    plain = weighted_step(model, rendered, fast=True)
    tripled = weighted_step(model, [replace(item, weight=3.0) for item in rendered], fast=True)
    for name, slope in plain.items():
        assert torch.allclose(tripled[name], slope, rtol=1e-4, atol=1e-6 * slope.abs().max().item()), name


def test_the_loop_weighs_whole_steps(model: PeftModel, rendered: list[Rendered]) -> None:
    step = Gradients(
        method=Sft(),
        network=FastLlama(model),
        accelerator=Accelerator(cpu=True),
        weights=[weight for weight in model.parameters() if weight.requires_grad],
        prefix=common_prefix(rendered),
        room=Room(64, 1, print),
    )
    model.zero_grad()
    twice = step([*rendered, rendered[0]], seed=0)
    model.zero_grad()
    assert step([replace(rendered[0], weight=2.0), *rendered[1:]], seed=0) == pytest.approx(twice, rel=1e-5)
