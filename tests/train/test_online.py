"""Online methods learn from the model's own answers, by scorers and by a reward model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from datasets import Dataset as Table
from peft import PeftModel
from transformers import AutoTokenizer, PreTrainedModel

from tunewright import train
from tunewright.core.errors import Stopped, TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named
from tunewright.train import TrainSpec
from tunewright.train.methods.grpo import Grpo
from tunewright.train.torch.batches import collate, common_prefix
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork
from tunewright.train.torch.saying import parted

from .conftest import SPEC, make_context, make_dataset, make_examples
from .test_methods import CPU, LORA, before, moved, pairs, plain
from .test_run import curve_of

__all__ = ["plain"]
Contexts = Callable[..., Context]
WORDS = Named(name="token_f1")
ONLINE = SPEC.model_copy(
    update={
        "method": Named(name="grpo", options={"rewards": ["token_f1"], "answers": 6, "longest": 4}),
        "learning_rate": 2e-3,
        "batch": 6,
        "epochs": 4,
    }
)


WORTH = (0.5, -1.5, 1.0, 0.25)


def weighed(model: PeftModel, base: Checkpoint) -> list[Rendered]:
    """Four answers, each with its advantage and with what the untuned model says of it."""
    items = Grpo(rewards=(WORDS,)).render(make_examples(4), Chat.load(base.path), "Name the desk.")
    return before(model, [replace(one, weight=worth) for one, worth in zip(items, WORTH, strict=True)])


def padded(rows: Sequence[Sequence[int]], *, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows side by side, and which of it is no padding."""
    width = max(map(len, rows))
    ids, there = torch.zeros((len(rows), width), dtype=torch.long), torch.zeros((len(rows), width))
    for place, row in enumerate(rows):
        part = slice(width - len(row), width) if left else slice(0, len(row))
        ids[place, part], there[place, part] = torch.tensor(row), 1
    return ids, there


def test_grpo_has_the_loss_and_the_gradients_of_trl(
    base: Checkpoint, plain: PreTrainedModel, tmp_path: Path
) -> None:
    import trl

    trainer = trl.GRPOTrainer(
        model=plain,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=trl.GRPOConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=4,
            num_generations=2,
            beta=0.1,
            report_to=[],
            use_cpu=True,
            bf16=False,
        ),
        train_dataset=Table.from_list([{"prompt": "a"}] * 4),
        processing_class=AutoTokenizer.from_pretrained(base.path),
        peft_config=LORA,
    )
    trainer.current_gradient_accumulation_steps = trainer.args.steps_per_generation
    tuned = moved(trainer.model)
    items = weighed(tuned, base)
    questions, answers, _ = zip(*(parted(item) for item in items), strict=True)
    prompt_ids, prompt_mask = padded(questions, left=True)
    completion_ids, completion_mask = padded(answers, left=False)
    expected = trainer._compute_loss(
        tuned,
        {
            "prompt_ids": prompt_ids,
            "prompt_mask": prompt_mask,
            "completion_ids": completion_ids,
            "completion_mask": completion_mask,
            "advantages": torch.tensor(WORTH),
            "ref_per_token_logps": padded_values([item.reference for item in items]),
            "num_items_in_batch": completion_mask.sum(),
        },
    )
    expected.backward()
    slopes = [weight.grad.clone() for weight in tuned.parameters() if weight.grad is not None]
    method = Grpo(rewards=(WORDS,), beta=0.1)
    batch, amount = collate(items, common_prefix(items), CPU), sum(map(method.amount, items))
    for network in (PlainNetwork(tuned), FastLlama(tuned)):
        tuned.zero_grad()
        loss = method.loss(network, batch) / amount
        loss.backward()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
        found = [weight.grad for weight in tuned.parameters() if weight.grad is not None]
        for one, other in zip(found, slopes, strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * other.abs().max().item())


def padded_values(rows: Sequence[Sequence[float]]) -> torch.Tensor:
    """Numbers side by side, zeros after them."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0.0] * (width - len(row))] for row in rows])


def test_its_own_answers_become_worth_more(
    base: Checkpoint, preferences: Dataset, warm: Checkpoint, task: Task, context: Contexts
) -> None:
    events: list[Event] = []
    made = train.run(context(events), ONLINE, warm, preferences, task)
    looks = [event.data for event in events if "reward" in event.data and "kl" in event.data]
    assert looks[-1]["reward"] > looks[0]["reward"] + 0.1
    assert looks[0]["kl"] == pytest.approx(0.0, abs=1e-6) and looks[-1]["kl"] > 0.01
    curve = curve_of(made)
    assert len(curve.rewards) == len(curve.losses) and curve.rewards[-1] > curve.rewards[0]
    assert made.method == "grpo" and made.metrics["validation_exact"] >= 0.5


@pytest.fixture
def preferences(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "preferences", pairs(24), pairs(8, 100))


@pytest.fixture
def warm(base: Checkpoint, preferences: Dataset, task: Task, tmp_path: Path) -> Checkpoint:
    """A model that has learned a little, so that some of its answers are worth something."""
    little = SPEC.model_copy(update={"epochs": 1.0})
    return train.run(make_context(tmp_path / "warm"), little, base, preferences, task)


def test_a_stopped_run_says_the_same_answers_again(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    whole = train.run(make_context(tmp_path / "whole"), ONLINE, base, dataset, task)
    steps: list[Event] = []
    seen = make_context(tmp_path / "stopped", steps, should_stop=lambda: len(steps) > 8)
    with pytest.raises(Stopped):
        train.run(seen, ONLINE, base, dataset, task)
    events: list[Event] = []
    resumed = train.run(make_context(tmp_path / "stopped", events), ONLINE, base, dataset, task)
    assert any("going on from step" in event.message for event in events)
    assert curve_of(resumed).losses == curve_of(whole).losses
    assert curve_of(resumed).rewards == curve_of(whole).rewards
    assert resumed_weights(resumed) == resumed_weights(whole)


def resumed_weights(made: Checkpoint) -> bytes:
    return (made.path / "adapter_model.safetensors").read_bytes()


def test_preferences_make_a_reward_model_and_that_a_policy(
    preferences: Dataset, warm: Checkpoint, task: Task, tmp_path: Path
) -> None:
    rating = SPEC.model_copy(update={"method": Named(name="reward"), "learning_rate": 2e-3, "epochs": 6})
    rater = train.run(make_context(tmp_path / "rater"), rating, warm, preferences, task)
    events: list[Event] = []
    method = Named(name="grpo", options={"rewards": ["reward"], "answers": 6, "longest": 4})
    spec = ONLINE.model_copy(update={"method": method})
    train.run(make_context(tmp_path / "policy", events), spec, warm, preferences, task, rater)
    looks = [event.data for event in events if "reward_reward" in event.data]
    assert looks[-1]["reward_reward"] > looks[0]["reward_reward"] and looks[-1]["kl"] > 0


def test_a_reward_that_no_round_makes_is_refused(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts
) -> None:
    rewarded = {"grpo": {"rewards": ["reward"]}}
    alone = TrainSpec.model_validate({"method": rewarded})
    assert "earlier round, and there is none" in str([problem.what for problem in train.check(alone)])
    with pytest.raises(TrainError, match="earlier round, and there is none"):
        train.run(context(), SPEC.model_copy(update={"method": alone.method}), base, dataset, task)
    after = TrainSpec.model_validate({"method": "reward", "then": {"method": rewarded}})
    assert [problem.what for problem in train.check(after) if problem.where.endswith("method")] == []


@pytest.mark.parametrize(
    ("spec", "where", "said"),
    [
        ({"method": "reward"}, "train.method", "gives none"),
        ({"then": {"method": "reward"}}, "train.then.method", "gives none"),
        ({"method": {"grpo": {"rewards": []}}}, "train.method.grpo.rewards", "at least 1"),
        ({"method": {"grpo": {"rewards": ["exat"]}}}, "train.method.grpo.rewards[0]", "unknown scorer"),
        (
            {"method": {"grpo": {"rewards": ["exact"], "weights": [1, 2]}}},
            "train.method.grpo.weights",
            "1 rewards and 2 weights",
        ),
    ],
)
def test_rewards_that_cannot_work_are_refused_by_name(spec: object, where: str, said: str) -> None:
    problems = list(train.check(TrainSpec.model_validate(spec)))
    assert any(said in problem.what and problem.where == where for problem in problems), problems
