"""Distillation: a student learns a teacher's answers, or its probabilities, as TRL would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from tunewright import train
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.chat import Chat
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named
from tunewright.testing.checkpoint import tiny_model
from tunewright.train import TrainSpec
from tunewright.train.methods.distill import Distill
from tunewright.train.torch.batches import collate, common_prefix
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork
from tunewright.train.torch.teacher import Taught, load_teacher, taught

from .conftest import SPEC, make_context, make_examples
from .test_methods import CPU, moved
from .test_run import curve_of

Contexts = Callable[..., Context]
LORA = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")


@pytest.fixture(scope="module")
def teacher(base: Checkpoint, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model that knows the two desks."""
    folder = tmp_path_factory.mktemp("teacher")
    task = Task(
        id="task-1",
        path=folder,
        digest="0",
        objective="Find the desk.",
        type="classification",
        instruction="Name the desk.",
    )
    spec = SPEC.model_copy(update={"tuner": Named(name="full"), "epochs": 6, "learning_rate": 2e-3})
    return train.run(make_context(folder), spec, base, dataset, task).path


def student(base: Checkpoint) -> PeftModel:
    torch.manual_seed(0)
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    return moved(get_peft_model(plain, LORA))


def test_the_loss_of_probabilities_is_that_of_trl_and_so_are_its_gradients(
    base: Checkpoint, teacher: Path
) -> None:
    from trl.experimental.gkd import GKDTrainer

    method = Distill(learn="probabilities", model="teacher")
    items = method.render(make_examples(5), Chat.load(base.path), "Name the desk.")
    tuned, other = student(base), load_teacher(teacher, torch.float32)
    amount = sum(map(method.amount, items))
    slopes = []
    for prefix, kind in ((0, None), (0, PlainNetwork), (common_prefix(items), FastLlama)):
        batch = collate(items, prefix, CPU)
        tuned.zero_grad()
        if kind is None:
            labels = torch.full_like(batch.ids, -100).flatten()
            labels[batch.places] = batch.targets
            loss = GKDTrainer.generalized_jsd_loss(
                tuned(batch.ids).logits,
                other(batch.ids).logits,
                labels=labels.view(batch.ids.shape),
                beta=0.0,
            )
            expected = loss.item()
        else:
            loss = method.loss(Taught(kind(tuned), kind(other)), batch) / amount
            assert loss.item() == pytest.approx(expected, rel=1e-5)
        loss.backward()
        slopes.append([weight.grad.clone() for weight in tuned.parameters() if weight.grad is not None])
    for trl, plain, fast in zip(*slopes, strict=True):
        close = {"rtol": 1e-3, "atol": 1e-4 * trl.abs().max().item()}
        assert torch.allclose(plain, trl, **close) and torch.allclose(fast, trl, **close)


def test_probabilities_of_a_teacher_are_learned(
    base: Checkpoint, teacher: Path, dataset: Dataset, task: Task, context: Contexts
) -> None:
    method = Named(name="distill", options={"learn": "probabilities", "model": str(teacher)})
    made = train.run(context(), SPEC.model_copy(update={"method": method}), base, dataset, task)
    looks = curve_of(made).validation
    assert looks[-1].loss < 0.5 * looks[0].loss and looks[-1].exact > looks[0].exact


def test_answers_of_a_teacher_are_learned_where_there_are_none(
    base: Checkpoint, teacher: Path, dataset: Dataset, task: Task, context: Contexts
) -> None:
    events: list[Event] = []
    engine = {"transformers": {"dtype": "float32"}}
    options = {"teacher": engine, "model": str(teacher), "longest": 6}
    spec = SPEC.model_copy(update={"method": Named(name="distill", options=options)})
    made = train.run(context(events), spec, base, dataset, task)
    assert any(event.message == "asking the teacher" for event in events)
    looks = curve_of(made).validation
    assert looks[-1].loss < looks[0].loss and made.method == "distill"


def test_a_teacher_with_other_tokens_is_refused_before_anything_is_loaded(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts, tmp_path: Path
) -> None:
    other = tiny_model(tmp_path / "other")
    text = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(text.replace('"a"', '"ä"'))
    method = Named(name="distill", options={"learn": "probabilities", "model": str(other)})
    with pytest.raises(TrainError, match="cuts text into other tokens"):
        train.run(context(), SPEC.model_copy(update={"method": method}), base, dataset, task)


@pytest.mark.parametrize(
    "options", [{}, {"learn": "probabilities", "teacher": {"openai": {"url": "http://localhost:1/v1"}}}]
)
def test_a_teacher_that_nobody_named_is_refused(options: dict[str, object]) -> None:
    spec = TrainSpec.model_validate({"method": {"distill": options}})
    assert ("train.method.distill.model", "no teacher is named") in [
        (problem.where, problem.what) for problem in train.check(spec)
    ]


def test_a_student_that_is_tuned_whole_and_its_teacher_multiply_in_the_same_format(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    student, teacher = (AutoModelForCausalLM.from_pretrained(folder) for _ in range(2))
    found = taught(PlainNetwork(student, torch.bfloat16), student, teacher)
    assert [found.student.computed, found.teacher.computed] == [torch.bfloat16] * 2
