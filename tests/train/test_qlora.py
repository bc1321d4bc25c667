"""A low-rank change beside a quantised base: what is served and merged is what was trained."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from tunewright import train
from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime import adapters, plugins
from tunewright.runtime.adapters.loading import put_on, save
from tunewright.runtime.adapters.quantised import loading, rounding_of, steady
from tunewright.runtime.context import Context
from tunewright.runtime.engine import complete_all
from tunewright.runtime.engines.transformers import Transformers
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.testing.questions import ask
from tunewright.train import TrainSpec
from tunewright.train.torch.networks import PlainNetwork, network_for

from .conftest import SPEC, make_context
from .test_apart import SAY

Contexts = Callable[..., Context]
CPU = torch.device("cpu")
IDS = torch.tensor([[1, 5, 9, 30, 41]])
SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)


@pytest.fixture(params=[4, 8])
def bits(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def quantised(base: Checkpoint, bits: int, dtype: torch.dtype = torch.float32) -> PreTrainedModel:
    how = loading(bits, dtype, CPU)  # type: ignore[arg-type]
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(base.path, dtype=dtype, **how)
    return model


def with_lora(model: PreTrainedModel) -> torch.nn.Module:
    torch.manual_seed(0)
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS).logits
    return found.float()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_base_that_is_served_has_the_values_of_the_one_that_was_trained_on(
    base: Checkpoint, tmp_path: Path, bits: int, dtype: torch.dtype
) -> None:
    """The oracle: what bitsandbytes itself makes of the weights that transformers quantised."""
    from peft.utils.integrations import dequantize_module_weight

    trained = with_lora(steady(quantised(base, bits, dtype)))
    save(trained, tmp_path, "tiny")
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    served = put_on(plain, tmp_path)
    pairs = [
        (one, other)
        for (_, one), (_, other) in zip(trained.named_modules(), served.named_modules(), strict=True)
        if hasattr(one, "base_layer")
    ]
    assert len(pairs) == 14
    for one, other in pairs:
        expected = dequantize_module_weight(one.base_layer).detach()
        assert torch.equal(other.base_layer.weight, expected.float())
    untouched = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    assert torch.equal(served.get_base_model().lm_head.weight, untouched.lm_head.weight)
    if dtype == torch.float32:
        assert torch.allclose(logits(trained), logits(served), atol=1e-4)


def test_it_computes_alike_in_training_and_between_and_learns_after_a_look(
    base: Checkpoint, bits: int
) -> None:
    model = with_lora(steady(quantised(base, bits)))
    training = logits(model.train())
    assert torch.equal(logits(model.eval()), training)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    model.train()(input_ids=IDS).logits.log_softmax(-1)[..., 7].sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights)
    assert torch.equal(logits(model), training)


def test_it_takes_the_plain_step_and_says_so(base: Checkpoint, bits: int) -> None:
    network, note = network_for(with_lora(steady(quantised(base, bits))))
    assert isinstance(network, PlainNetwork) and "quantised" in note


def test_it_learns_and_is_served_by_a_fresh_process_and_merged_as_it_was_trained(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, bits: int
) -> None:
    events: list[Event] = []
    tuner = Named(name="qlora", options={"r": 4, "bits": bits})
    made = train.run(
        make_context(tmp_path, events), SPEC.model_copy(update={"tuner": tuner}), base, dataset, task
    )
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert min(looks) < 0.95 * looks[0]
    assert any("weights are trained" in event.message for event in events)
    said = json.loads((made.path / adapters.ROUNDING).read_text())
    assert (said["bits"], said["left"]) == (bits, ["lm_head"])
    packed = tmp_path / "packed"
    packed.mkdir()
    plugins.make("exports", "merged").pack(made, packed, SETTINGS)
    merged = AutoModelForCausalLM.from_pretrained(packed, dtype=torch.float32)
    assert getattr(merged.config, "quantization_config", None) is None
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    expected = logits(put_on(plain, made.path).eval())
    assert torch.allclose(logits(merged), expected, atol=1e-4)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    plugins.make("exports", "adapter").pack(made, adapter, SETTINGS)
    assert (adapter / adapters.ROUNDING).read_bytes() == (made.path / adapters.ROUNDING).read_bytes()
    command = [sys.executable, "-c", SAY, made.model_dump_json()]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True)
    engine = Transformers(dtype="float32").open(made, SETTINGS)
    answers = complete_all(engine, [ask(text) for text in ("lost my card", "hi")])
    engine.close()
    assert fresh.stdout.strip() == str([answer.text for answer in answers])
    assert "kernels" not in fresh.stderr


def test_the_looks_of_a_run_are_what_the_served_model_gives(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, bits: int
) -> None:
    from tunewright.runtime import examples
    from tunewright.runtime.chat import Chat
    from tunewright.train.methods.sft import Sft
    from tunewright.train.torch.batches import collate

    tuner = Named(name="qlora", options={"r": 4, "bits": bits})
    made = train.run(make_context(tmp_path), SPEC.model_copy(update={"tuner": tuner}), base, dataset, task)
    plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    items = Sft().render(examples.read(dataset, "validation"), Chat.load(base.path), task.instruction)
    losses, _ = PlainNetwork(put_on(plain, made.path)).judge(collate(items, 0, CPU))
    assert float(losses.mean()) == pytest.approx(made.metrics["validation_loss"], rel=1e-4)


def test_a_damaged_word_about_the_rounding_is_refused_by_name(base: Checkpoint, tmp_path: Path) -> None:
    save(with_lora(steady(quantised(base, 4))), tmp_path, "tiny")
    assert rounding_of(AutoModelForCausalLM.from_pretrained(base.path)) is None
    for text in ("{", '{"bits": 3}', "{}"):
        (tmp_path / adapters.ROUNDING).write_text(text)
        plain = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
        with pytest.raises(ModelError, match="quantisation is damaged") as caught:
            put_on(plain, tmp_path)
        assert caught.value.problems[0].where.endswith(adapters.ROUNDING)


def test_without_the_library_the_check_says_what_to_install() -> None:
    code = """
import sys
sys.modules["bitsandbytes"] = None
from tunewright import train
from tunewright.core.errors import MissingExtra
from tunewright.runtime import plugins
for problem in train.check(train.TrainSpec(tuner="qlora")):
    print(problem.where, problem.fatal, problem.what, problem.fix, sep="|")
try:
    plugins.make("tuners", "qlora").prepare(None, 0)
except MissingExtra as missing:
    print(missing.problems[0].fix)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    told, missing = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    install = 'pip install "tunewright[quant]"'
    assert told == f"train.tuner|True|`qlora` needs `bitsandbytes`, which is not installed|{install}"
    assert missing == install


def test_bits_that_nobody_computes_in_are_refused_with_those_there_are() -> None:
    spec = TrainSpec.model_validate({"tuner": {"qlora": {"bits": 3}}})
    (problem,) = [one for one in train.check(spec) if "bits" in one.where]
    assert problem.fatal and "4" in problem.fix + problem.what


def test_the_library_says_nothing_when_a_run_imports_it() -> None:
    code = "from tunewright.runtime.lazy import require; import sys;"
    code += "require('tunewright.train.backends.local.fit', extra='train');"
    code += "require('peft.tuners.lora.model', extra='train'); print('bitsandbytes' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), "bitsandbytes" in done.stderr) == ("True", False)
