"""Adapters that are not whole are refused by name, whoever opens them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tunewright.core.errors import ModelError
from tunewright.runtime import adapters
from tunewright.runtime.adapters.bottleneck import BottleneckConfig, BottleneckModel
from tunewright.runtime.adapters.loading import own, put_on, renew, save
from tunewright.testing.checkpoint import tiny_model

Weights = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("base"))


def plain(base: Path) -> torch.nn.Module:
    model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return model


def lora(model: torch.nn.Module) -> torch.nn.Module:
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def bottleneck(model: torch.nn.Module) -> torch.nn.Module:
    config = BottleneckConfig(size=8, after=("self_attn", "mlp"), bend="gelu")
    made = BottleneckModel(model, config)
    for weight in made.own().values():
        torch.nn.init.normal_(weight, std=0.2)
    return made


KINDS = {"lora": lora, "bottleneck": bottleneck}


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, base: Path, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save(KINDS[request.param](plain(base)), tmp_path, "tiny")
    return tmp_path


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = model.eval()(torch.tensor([[1, 5, 9, 30, 41]])).logits
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_saved_gives_the_same_scores_when_it_is_put_on_the_base_again(
    kind: str, base: Path, tmp_path: Path
) -> None:
    made = KINDS[kind](plain(base))
    save(made, tmp_path, "tiny")
    again = put_on(plain(base), tmp_path)
    assert not any(weight.requires_grad for weight in again.parameters())
    assert torch.equal(logits(made), logits(again))
    assert not torch.allclose(logits(plain(base)), logits(again), atol=1e-2)
    with again.disable_adapter():
        assert torch.equal(logits(again), logits(plain(base)))
    assert json.loads((tmp_path / adapters.CONFIG).read_text())["base_model_name_or_path"] == "tiny"
    other = KINDS[kind](plain(base))
    renew(other, tmp_path)
    assert torch.equal(logits(other), logits(made)) and own(other).keys() == own(made).keys()


def first_gone(weights: Weights) -> Weights:
    return dict(list(weights.items())[1:])


def one_more(weights: Weights) -> Weights:
    name = next(iter(weights)).replace("layers.0", "layers.7")
    return {**weights, name: next(iter(weights.values())).clone()}


def no_number(weights: Weights) -> Weights:
    next(iter(weights.values()))[0] = float("inf")
    return weights


def wider(weights: Weights) -> Weights:
    return {name: torch.cat([weight, weight]) for name, weight in weights.items()}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (first_gone, "1 weights of the adapter are missing, first .*layers.0"),
        (one_more, "1 weights of the adapter belong to no layer of it, first .*layers.7"),
        (no_number, "not finite"),
        (wider, "does not fit the model"),
    ],
)
def test_weights_that_are_not_those_of_the_adapter_are_named(
    folder: Path, base: Path, change: Callable[[Weights], Weights], what: str
) -> None:
    path = folder / adapters.WEIGHTS
    save_file(change(load_file(path)), path)
    with pytest.raises(ModelError, match=what) as caught:
        put_on(plain(base), folder)
    assert str(folder) in caught.value.problems[0].where and caught.value.problems[0].fix


def test_a_pickled_adapter_is_refused_by_the_name_of_its_file(folder: Path, base: Path) -> None:
    (folder / adapters.WEIGHTS).rename(folder / "adapter_model.bin")
    with pytest.raises(ModelError, match="pickled") as caught:
        put_on(plain(base), folder)
    assert caught.value.problems[0].where.endswith("adapter_model.bin")


@pytest.mark.parametrize("key", ["auto_map", "megatron_config"])
def test_a_config_that_names_code_is_refused_by_its_key(folder: Path, base: Path, key: str) -> None:
    path = folder / adapters.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), key: {"module": "os"}}))
    with pytest.raises(ModelError, match="code of its own") as caught:
        put_on(plain(base), folder)
    assert caught.value.problems[0].where.endswith(key)


def test_files_that_are_cut_short_damaged_or_missing_are_each_named(folder: Path) -> None:
    weights, config = folder / adapters.WEIGHTS, folder / adapters.CONFIG
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-7])
    config.write_text("{")
    assert [problem.what for problem in adapters.check(folder)] == ["this is not valid JSON"]
    config.write_text("{}")
    assert [problem.where for problem in adapters.check(folder)] == [str(config), str(weights)]
    weights.unlink()
    config.unlink()
    assert all("there is no" in problem.what for problem in adapters.check(folder))


def test_bottlenecks_whose_settings_are_damaged_or_of_another_model_are_refused(
    base: Path, tmp_path: Path
) -> None:
    save(bottleneck(plain(base)), tmp_path, "tiny")
    config = json.loads((tmp_path / adapters.CONFIG).read_text())
    (tmp_path / adapters.CONFIG).write_text(json.dumps({**config, "size": "wide"}))
    with pytest.raises(ModelError, match="settings of the bottlenecks are damaged"):
        put_on(plain(base), tmp_path)
    (tmp_path / adapters.CONFIG).write_text(json.dumps({**config, "after": ["attention"]}))
    with pytest.raises(ModelError, match="no part `attention`") as caught:
        put_on(plain(base), tmp_path)
    assert "`self_attn`" in caught.value.problems[0].fix
