"""Learned tokens before every text: what PEFT computes, answered by our own engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from tunewright import train
from tunewright.core.errors import ModelError, TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Message, Request, Task
from tunewright.runtime import adapters, plugins
from tunewright.runtime.adapters import soft
from tunewright.runtime.adapters.loading import put_on, save
from tunewright.runtime.chat import Chat
from tunewright.runtime.engine import complete_all
from tunewright.runtime.engines.transformers import Transformers
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.train import TrainSpec
from tunewright.train.torch.batches import common_prefix
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.networks import PlainNetwork, network_for
from tunewright.train.torch.saying import say

from .conftest import SPEC, make_context
from .test_fast_step import exact_norm, farthest, rendered, step

TOKENS = 7
IDS = torch.tensor([[1, 5, 9, 30, 41]])


def prepared(base: Checkpoint, kind: str, moved: float = 0.0) -> PeftModel:
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    made: PeftModel = plugins.make("tuners", Named(name=kind, options={"tokens": TOKENS})).prepare(model, 0)
    weight = made.prompt_encoder["default"].embedding.weight
    with torch.no_grad():
        weight += moved * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    made.eval()
    return made


@pytest.fixture(params=["prompt", "prefix"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_begins_as_the_model_that_has_read_tokens_of_its_vocabulary(base: Checkpoint, kind: str) -> None:
    model = prepared(base, kind)
    drawn = torch.randint(259, (TOKENS,), generator=torch.Generator().manual_seed(0))
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    with torch.no_grad():
        expected = plain(torch.cat([drawn[None], IDS], dim=1)).logits[:, TOKENS:]
        assert torch.allclose(model(input_ids=IDS).logits[:, -5:], expected, atol=1e-4)
    (name,) = [name for name, weight in model.named_parameters() if weight.requires_grad]
    assert name == "prompt_encoder.default.embedding.weight"
    assert model.get_parameter(name).dtype == torch.float32


@pytest.mark.parametrize("shared", [True, False])
def test_the_fast_step_of_a_prompt_has_the_gradients_of_peft_to_nine_digits(
    base: Checkpoint, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    monkeypatch.setattr(LlamaRMSNorm, "forward", exact_norm)
    items = rendered(base)
    prefix = common_prefix(items) if shared else 0
    model = prepared(base, "prompt", moved=0.1).double()
    loss, expected = step(PlainNetwork(model), model, items, prefix)
    network, note = network_for(model)
    assert isinstance(network, FastLlama) and not note
    fast, found = step(network, model, items, prefix)
    assert len(found) == 1 and fast == pytest.approx(loss, rel=1e-12)
    assert farthest(found, expected) < 1e-9


def test_a_learned_prefix_takes_the_plain_step_and_says_so(base: Checkpoint) -> None:
    network, note = network_for(prepared(base, "prefix"))
    assert isinstance(network, PlainNetwork) and "keys and values" in note


def generated(model: PeftModel, ids: Sequence[int], longest: int) -> list[int]:
    """The oracle: PEFT's own generation, of one text alone."""
    made = model.generate(
        input_ids=torch.tensor([list(ids)]), do_sample=False, max_new_tokens=longest, eos_token_id=2
    )
    found: list[int] = made[0, len(ids) :].tolist()
    return found


SYSTEM = "You route the questions of bank customers to one of the intents of a list. " * 3


def test_the_engine_answers_as_peft_does_alone_in_batches_and_after_a_common_beginning(
    base: Checkpoint, kind: str, tmp_path: Path
) -> None:
    model = prepared(base, kind, moved=0.3)
    checkpoint = saved(model, base, kind, tmp_path)
    questions = ["hi", "what is the exchange rate?", "my card is lost", "x" * 40]
    requests = [
        Request(messages=(*before, Message(role="user", content=text)), max_tokens=10)
        for before in ((), (Message(role="system", content=SYSTEM),))
        for text in questions
    ]
    engine = Transformers(dtype="float32").open(
        checkpoint, Settings(cache=Path("x"), threads=1, offline=True)
    )
    told = [list(answer.token_ids) for answer in complete_all(engine, requests)]
    again = [list(answer.token_ids) for answer in complete_all(engine, requests[:1])]
    engine.close()
    chat = Chat.load(base.path)
    expected = [generated(model, chat.prompt(one.messages), 10) for one in requests]
    assert told == expected and again == expected[:1]
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    assert expected != [generated(plain, chat.prompt(one.messages), 10) for one in requests]


def test_likelihoods_by_the_engine_are_those_of_peft(base: Checkpoint, kind: str, tmp_path: Path) -> None:
    import asyncio

    model = prepared(base, kind, moved=0.3)
    settings = Settings(cache=Path("x"), threads=1, offline=True)
    engine = Transformers(dtype="float32").open(saved(model, base, kind, tmp_path), settings)
    told = [row.logprobs for row in asyncio.run(engine.read([IDS[0].tolist(), [4, 8]]))]
    engine.close()
    for ids, found in zip((IDS[0].tolist(), [4, 8]), told, strict=True):
        with torch.no_grad():
            likely = model(input_ids=torch.tensor([ids])).logits[0, -len(ids) :].log_softmax(-1)
        wanted = [float(likely[place, ids[place + 1]]) for place in range(len(ids) - 1)]
        assert found == pytest.approx(wanted, abs=1e-4)


def test_answers_under_training_are_the_same_in_a_batch_of_unlike_lengths(
    base: Checkpoint, kind: str
) -> None:
    model = prepared(base, kind, moved=0.3)
    questions = [[1, 5, 9], [1, 7, 30, 41, 8, 9, 100, 101], [1]]
    told = say(model, questions, 6, [2])
    assert told == [generated(model, question, 6) for question in questions]


def saved(model: PeftModel, base: Checkpoint, kind: str, folder: Path) -> Checkpoint:
    save(model, folder, str(base.path))
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / name).write_bytes((base.path / name).read_bytes())
    ref = base.base.model_copy(update={"name": str(base.path)})
    return base.model_copy(update={"id": "checkpoint-soft", "path": folder, "tuner": kind, "base": ref})


def test_learned_tokens_of_another_model_are_refused(base: Checkpoint, kind: str, tmp_path: Path) -> None:
    save(prepared(base, kind), tmp_path, "tiny")
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    assert len(soft.kept(plain, tmp_path)) == 2
    path = tmp_path / adapters.WEIGHTS
    (learned,) = load_file(path).values()
    for broken, what in (
        ({"prompt_embeddings": learned[:, :-1].contiguous()}, "of another model"),
        ({"others": learned}, "of another model"),
        ({"prompt_embeddings": learned / 0}, "not finite"),
    ):
        save_file(broken, path)
        with pytest.raises(ModelError, match=what):
            soft.kept(plain, tmp_path)


def test_a_further_round_goes_on_from_the_tokens_of_the_one_before(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, kind: str
) -> None:
    spec = SPEC.model_copy(update={"tuner": Named(name=kind), "learning_rate": 2e-2})
    first = train.run(make_context(tmp_path / "one"), spec, base, dataset, task)
    events: list[Event] = []
    train.run(make_context(tmp_path / "two", events), spec, first, dataset, task)
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert looks[0] == pytest.approx(first.metrics["validation_loss"], rel=1e-4)
    other = spec.model_copy(update={"tuner": Named(name=kind, options={"tokens": 3})})
    with pytest.raises(TrainError, match="does not fit the tuner"):
        train.run(make_context(tmp_path / "three"), other, first, dataset, task)


def test_learned_tokens_take_room_in_the_context_and_that_is_told_before_the_run(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, kind: str
) -> None:
    spec = SPEC.model_copy(update={"tuner": Named(name=kind, options={"tokens": 480})})
    with pytest.raises(TrainError, match="context of 32 tokens"):
        train.run(make_context(tmp_path), spec, base, dataset, task)


def test_a_model_that_rates_cannot_be_made_of_tokens_alone(kind: str) -> None:
    spec = TrainSpec.model_validate({"tuner": kind, "method": "reward", "then": {"method": "grpo"}})
    assert any("needs a head" in problem.what for problem in train.check(spec) if problem.fatal)


def test_peft_opens_what_was_saved(base: Checkpoint, kind: str, tmp_path: Path) -> None:
    model = prepared(base, kind, moved=0.3)
    save(model, tmp_path, "tiny")
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    with torch.no_grad():
        again = put_on(plain, tmp_path).eval()(input_ids=IDS).logits
        assert torch.allclose(again, model(input_ids=IDS).logits, atol=1e-6)
