"""Methods have the losses of TRL on the same batch, train, and say what they cannot learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset as Table
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    Trainer,
)

from tunewright import train
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Example, Task
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named
from tunewright.train import TrainSpec
from tunewright.train.methods.cpt import Cpt
from tunewright.train.methods.dpo import Dpo
from tunewright.train.methods.kto import Kto
from tunewright.train.methods.orpo import Orpo
from tunewright.train.methods.reward import Reward
from tunewright.train.methods.sft import Sft
from tunewright.train.ports import Method
from tunewright.train.torch.batches import collate, common_prefix, portions, texts
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork
from tunewright.train.torch.references import compared, references

from .conftest import SPEC, make_context, make_dataset, make_examples

CPU = torch.device("cpu")
Contexts = Callable[..., Context]


def pairs(count: int, start: int = 0) -> list[Example]:
    """The right desk, and the wrong one rejected."""
    other = {"loss": "exchange", "exchange": "loss"}
    return [
        one.model_copy(update={"rejected": other[one.label or ""], "label": None})
        for one in make_examples(count, start)
    ]


LORA = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")


@pytest.fixture
def plain(base: Checkpoint) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)


@pytest.fixture
def model(plain: PreTrainedModel) -> PeftModel:
    return moved(get_peft_model(plain, LORA))


def moved(tuned: PeftModel) -> PeftModel:
    """As if it had been trained."""
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return tuned


def before(model: PeftModel, items: Sequence[Rendered]) -> list[Rendered]:
    """The items with what the untuned model says of them."""
    with model.disable_adapter():
        return compared(items, references(PlainNetwork(model), items, common_prefix(items), CPU))


def ours(method: Method, model: PeftModel, items: Sequence[Rendered]) -> tuple[float, float]:
    """Mean loss by the fast step and by the plain one."""
    batch, amount = collate(items, common_prefix(items), CPU), sum(map(method.amount, items))
    fast, plain = (
        method.loss(network(model), batch).item() / amount for network in (PlainNetwork, FastLlama)
    )
    return fast, plain


def parted(text: Rendered) -> tuple[list[int], list[int]]:
    """Question and answer of a text whose answer ends with its last trained token."""
    trained = [place for place, learned in enumerate(text.trained) if learned]
    return list(text.ids[: trained[0]]), list(text.ids[trained[0] : trained[-1] + 1])


def trainer_of(
    kind: str, base: Checkpoint, plain: PreTrainedModel, folder: Path, rows: list[dict[str, Any]]
) -> Trainer:
    """A trainer of TRL whose adapter has moved."""
    import trl
    from trl.experimental import orpo

    named = {"dpo": (trl.DPOTrainer, trl.DPOConfig), "kto": (trl.KTOTrainer, trl.KTOConfig)}
    trainer, config = named.get(kind) or (orpo.ORPOTrainer, orpo.ORPOConfig)
    settings = config(
        output_dir=str(folder),
        per_device_train_batch_size=4,
        report_to=[],
        use_cpu=True,
        bf16=False,
        beta=0.1,
    )
    found: Trainer = trainer(
        model=plain,
        args=settings,
        train_dataset=Table.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base.path),
        peft_config=LORA,
    )
    moved(found.model)
    return found


def test_dpo_has_the_loss_of_trl(base: Checkpoint, plain: PreTrainedModel, tmp_path: Path) -> None:
    texts_of = [{"prompt": "a", "chosen": "b", "rejected": "c"}] * 4
    trainer = trainer_of("dpo", base, plain, tmp_path, texts_of)
    items = before(trainer.model, Dpo().render(pairs(4), Chat.load(base.path), "Name the desk."))
    rows = []
    for item in items:
        assert item.beside is not None
        (question, chosen), (_, rejected) = parted(item), parted(item.beside)
        rows.append({"prompt_ids": question, "chosen_ids": chosen, "rejected_ids": rejected})
    with torch.no_grad():
        expected = trainer.compute_loss(trainer.model, trainer.data_collator(rows)).item()
    assert ours(Dpo(), trainer.model, items) == pytest.approx((expected, expected), rel=1e-4)
    assert abs(expected - 0.6931) > 0.01, "the adapter has moved the log-probabilities"


def test_kto_has_the_loss_of_trl(base: Checkpoint, plain: PreTrainedModel, tmp_path: Path) -> None:
    texts_of = [{"prompt": "a", "completion": "b", "label": bool(number % 2)} for number in range(4)]
    trainer = trainer_of("kto", base, plain, tmp_path, texts_of)
    items = before(trainer.model, Kto().render(pairs(3), Chat.load(base.path), "Name the desk."))
    assert [item.desirable for item in items] == [True, False] * 3
    rows = []
    for item in items:
        assert item.beside is not None
        (question, answer), (_, other) = parted(item), parted(item.beside)
        rows.append(
            {
                "prompt_ids": question,
                "completion_ids": answer,
                "KL_completion_ids": other,
                "label": item.desirable,
            }
        )
    with torch.no_grad():
        expected = trainer.compute_loss(trainer.model, trainer.data_collator(rows)).item()
    assert ours(Kto(), trainer.model, items) == pytest.approx((expected, expected), rel=1e-4)


def test_orpo_has_the_odds_ratio_of_trl_beside_the_likelihood_of_the_better_answer(
    base: Checkpoint, plain: PreTrainedModel, tmp_path: Path
) -> None:
    items = Orpo().render(pairs(4), Chat.load(base.path), "Name the desk.")
    texts_of = [{"prompt": "a", "chosen": "b", "rejected": "c"}] * 4
    trainer = trainer_of("orpo", base, plain, tmp_path, texts_of)
    batch = collate(items, 0, CPU)
    with torch.no_grad():
        losses = PlainNetwork(trainer.model).losses(batch)
        means = torch.stack([-losses[batch.rows == row].mean() for row in range(8)])
        odds = trainer.odds_ratio_loss(means[:4], means[4:])[0]
    expected = float(-means[:4].mean() - odds.mean())
    assert ours(Orpo(), trainer.model, items) == pytest.approx((expected, expected), rel=1e-4)


@pytest.fixture
def rater(base: Checkpoint) -> PeftModel:
    torch.manual_seed(0)
    plain = AutoModelForSequenceClassification.from_pretrained(base.path, num_labels=1, dtype=torch.float32)
    plain.config.pad_token_id = 0
    return moved(get_peft_model(plain, LoraConfig(r=4, target_modules="all-linear", task_type="SEQ_CLS")))


def test_a_reward_model_has_the_loss_of_trl(base: Checkpoint, rater: PeftModel, tmp_path: Path) -> None:
    import trl

    items = Reward(center=0.05).render(pairs(4), Chat.load(base.path), "Name the desk.")
    rows = [
        {"chosen_ids": list(one.ids[:-1]), "rejected_ids": list(one.beside.ids[:-1])}
        for one in items
        if one.beside is not None
    ]
    settings = trl.RewardConfig(
        output_dir=str(tmp_path),
        report_to=[],
        use_cpu=True,
        bf16=False,
        center_rewards_coefficient=0.05,
        disable_dropout=True,
    )
    trainer = trl.RewardTrainer(
        model=rater,
        args=settings,
        train_dataset=Table.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base.path),
    )
    with torch.no_grad():
        expected = trainer.compute_loss(rater, trainer.data_collator(rows)).item()
    assert ours(Reward(center=0.05), rater, items) == pytest.approx((expected, expected), rel=1e-4)


@pytest.mark.parametrize("method", [Dpo(), Kto(), Orpo()], ids=["dpo", "kto", "orpo"])
def test_the_fast_step_has_the_gradients_of_the_plain_one(
    method: Method, base: Checkpoint, model: PeftModel
) -> None:
    items = method.render(pairs(4), Chat.load(base.path), "Name the desk.")
    items = before(model, items) if method.compares else items
    check_gradients(method, model, items)


def test_a_rating_model_has_the_gradients_of_the_plain_step(base: Checkpoint, rater: PeftModel) -> None:
    check_gradients(Reward(), rater, Reward().render(pairs(4), Chat.load(base.path), "Name the desk."))


def check_gradients(method: Method, model: PeftModel, items: Sequence[Rendered]) -> None:
    """The fast step's gradients are the plain one's, tensor by tensor."""
    batch, found = collate(items, common_prefix(items), CPU), []
    for network in (FastLlama(model), PlainNetwork(model)):
        model.zero_grad()
        method.loss(network, batch).backward()
        found.append([weight.grad.clone() for weight in model.parameters() if weight.grad is not None])
    for fast, plain in zip(*found, strict=True):
        assert torch.allclose(fast, plain, rtol=1e-3, atol=1e-4 * plain.abs().max().item())


def test_the_texts_of_an_item_stay_together_when_a_step_is_divided(base: Checkpoint) -> None:
    items = Dpo().render(pairs(6), Chat.load(base.path), "Name the desk.")
    parts = list(portions(items, common_prefix(items), 90, padded=True))
    assert len(parts) > 1 and sum(map(len, parts)) == len(items)
    batch = collate(parts[0], 0, CPU)
    assert len(batch.ids) == len(texts(parts[0])) == 2 * len(parts[0])


@pytest.mark.parametrize(
    ("name", "rate"),
    [("dpo", 2e-3), ("kto", 2e-3), ("orpo", 5e-3), ("reward", 2e-3)],
    ids=["dpo", "kto", "orpo", "reward"],
)
def test_a_preference_is_learned_and_holds_on_pairs_that_were_not_seen(
    name: str, rate: float, base: Checkpoint, task: Task, context: Contexts, tmp_path: Path
) -> None:
    events: list[Event] = []
    data = make_dataset(tmp_path / "data", pairs(24), pairs(8, 100))
    spec = SPEC.model_copy(update={"method": Named(name=name), "learning_rate": rate, "epochs": 6})
    made = train.run(context(events), spec, base, data, task)
    looks = [event.data for event in events if "validation_loss" in event.data]
    assert min(look["validation_loss"] for look in looks) < 0.9 * looks[0]["validation_loss"]
    assert made.method == name and made.metrics["validation_exact"] > 0.7
    compares = any("before training, to compare with" in event.message for event in events)
    assert compares == (name in ("dpo", "kto"))


def test_raw_text_is_cut_into_pieces_of_which_every_token_is_learned(
    base: Checkpoint, task: Task, context: Contexts, tmp_path: Path
) -> None:
    chat = Chat.load(base.path)
    long = Example(id="t", text="the desk changes coins, " * 21)
    pieces = Cpt(tokens=32).render([long], chat, "Name the desk.")
    assert list(chain(*(piece.ids for piece in pieces))) == [*chat.encode(long.text or ""), chat.stop_ids[0]]
    assert {len(piece.ids) for piece in pieces[:-1]} == {32} and all(all(piece.trained) for piece in pieces)
    said = [Example(id=f"t{n}", text=f"the desk {n % 3} changes coins and notes, " * 3) for n in range(16)]
    data = make_dataset(tmp_path / "data", said[:12], said[12:])
    events: list[Event] = []
    spec = SPEC.model_copy(update={"method": Named(name="cpt", options={"tokens": 64}), "epochs": 8})
    train.run(context(events), spec, base, data, task)
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert looks[-1] < 0.8 * looks[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dpo", "pairs of answers (`rejected` beside the answer)"),
        ("orpo", "pairs of answers"),
        ("reward", "pairs of answers"),
        ("kto", "undesirable answers (`desirable: false`, or `rejected`)"),
        ("cpt", "raw texts (`text`)"),
    ],
)
def test_a_method_without_what_it_learns_from_is_refused_before_anything_is_loaded(
    name: str, said: str, base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    with pytest.raises(TrainError) as caught:
        train.run(context(), SPEC.model_copy(update={"method": Named(name=name)}), base, dataset, task)
    assert any(said in problem.what and problem.where == "train.method" for problem in caught.value.problems)


def test_a_pair_is_rendered_with_the_same_question_twice(base: Checkpoint) -> None:
    chat = Chat.load(base.path)
    (item,) = Dpo().render(pairs(1), chat, "Name the desk.")
    (single,) = Sft().render(pairs(1), chat, "Name the desk.")
    assert item.beside is not None and item.ids == single.ids and item.trained == single.trained
    assert parted(item)[0] == parted(item.beside)[0] and item.ids != item.beside.ids


def test_a_further_round_goes_on_from_the_adapter_of_the_one_before(
    base: Checkpoint, task: Task, tmp_path: Path
) -> None:
    data = make_dataset(tmp_path / "data", pairs(24), pairs(8, 100))
    spec = SPEC.model_copy(update={"epochs": 2})
    first = train.run(make_context(tmp_path / "first"), spec, base, data, task)
    events: list[Event] = []
    preferring = spec.model_copy(update={"method": Named(name="orpo"), "learning_rate": 1e-3})
    second = train.run(make_context(tmp_path / "second", events), preferring, first, data, task)
    assert (
        second.base == base.base
        and second.method == "orpo"
        and (second.path / "adapter_config.json").exists()
    )

    def sft_loss(made: Checkpoint) -> float:
        plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
        network = PlainNetwork(PeftModel.from_pretrained(plain, made.path))
        items = Orpo().render(pairs(8, 100), Chat.load(base.path), "Name the desk.")
        total, _ = Orpo().judge(network, collate(items, 0, CPU))
        return float(total) / len(items)

    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert looks[0] == pytest.approx(sft_loss(first), rel=1e-3)
    assert min(looks) == pytest.approx(sft_loss(second), rel=1e-3) and min(looks) < looks[0]


def test_a_further_round_with_another_tuner_is_refused(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    spec = TrainSpec.model_validate({"tuner": {"lora": {"r": 4}}, "then": {"method": "dpo", "tuner": "dora"}})
    assert "train.then.tuner" in [problem.where for problem in train.check(spec)]
    handed_on = TrainSpec.model_validate({"tuner": {"lora": {"r": 4}}, "then": {"method": "dpo"}})
    assert handed_on.rounds[1].tuner == handed_on.tuner
    assert "train.then.tuner" not in [problem.where for problem in train.check(handed_on)]
    quick = SPEC.model_copy(update={"epochs": 1})
    first = train.run(make_context(tmp_path / "first"), quick, base, dataset, task)
    wider = quick.model_copy(update={"tuner": Named(name="lora", options={"r": 4})})
    with pytest.raises(TrainError, match="does not fit the tuner"):
        train.run(make_context(tmp_path / "second"), wider, first, dataset, task)
