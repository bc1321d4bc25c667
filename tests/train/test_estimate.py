"""What a run will need is counted before it: the count is that of the real step, and decides how it runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.train.conftest import SPEC
from tunewright.core.errors import TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime import models, plugins, prices
from tunewright.runtime.chat import Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.models import CONFIG, stored
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.train import Forecast, Place, Speed, TrainSpec, forecast, run
from tunewright.train.backends.local import fits
from tunewright.train.torch.batches import collate
from tunewright.train.torch.networks import network_for
from tunewright.train.torch.rehearsal import Counter, Rehearsal

PLACE = Place(
    name="a box",
    gpu=False,
    memory_bytes=10**12,
    bf16=False,
    threads=1,
    speed=Speed(flops=1e11, bandwidth=1e10, operation=1e-5),
    price=2.0,
)


def texts(count: int, length: int) -> list[Rendered]:
    return [
        Rendered(ids=(place + 3,) * length, trained=(False,) * (length - 4) + (True,) * 4)
        for place in range(count)
    ]


def config_of(base: Checkpoint, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {**json.loads((base.path / CONFIG).read_text()), **changes}


def rehearsal(config: dict[str, Any], tuner: str, method: str = "sft") -> Rehearsal:
    return Rehearsal(
        config=config,
        dtype=torch.float32,
        tuner=plugins.make("tuners", Named(name=tuner)),
        method=plugins.make("methods", Named(name=method)),
    )


@pytest.mark.parametrize("tuner", ["lora", "full", "dora", "ia3", "prefix", "prompt", "bottleneck"])
def test_a_rehearsed_step_holds_what_the_real_one_holds(base: Checkpoint, tuner: str) -> None:
    items = texts(16, 64)
    count = rehearsal(config_of(base), tuner)(items, items[:1], 0)
    model = AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    tuned = plugins.make("tuners", Named(name=tuner)).prepare(model, 0)
    tuned.train()
    weights = [weight for weight in tuned.parameters() if weight.requires_grad]
    sft = plugins.make("methods", Named(name="sft"))
    with Counter() as counter:
        for tensor in (*tuned.parameters(), *tuned.buffers()):
            counter.hold(tensor)
        network, _ = network_for(tuned)
        real = counter.of(
            lambda: torch.autograd.grad(sft.loss(network, collate(items, 0, torch.device("cpu"))), weights)
        )
    assert count.trained == sum(weight.numel() for weight in weights)
    assert count.step.flops == real.flops
    assert count.step.held == pytest.approx(real.held, rel=0.1)


def test_many_layers_follow_from_few(base: Checkpoint) -> None:
    items = texts(16, 64)
    deep = rehearsal(config_of(base, num_hidden_layers=8), "lora")
    found = deep(items, items[:1], 0)
    every = deep._count(8, items, items[:1], 0)
    assert found.trained == every.trained and found.resident == every.resident
    assert found.step.flops == every.step.flops
    assert found.step.held == pytest.approx(every.step.held, rel=0.05)


@pytest.mark.parametrize("method", ["dpo", "orpo", "reward", "kto"])
def test_a_method_that_compares_is_rehearsed_with_both_texts(base: Checkpoint, method: str) -> None:
    alone = texts(4, 24)
    whole = [item.rated if method == "reward" else item for item in alone]
    both = [replace(item, beside=item) for item in whole]
    lonely = rehearsal(config_of(base), "lora")(alone, alone[:1], 0)
    found = rehearsal(config_of(base), "lora", method)(both, both[:1], 0)
    assert found.step.flops > 1.3 * lonely.step.flops


@pytest.mark.parametrize("entry", models.catalogue(), ids=lambda entry: entry.name)
def test_the_catalogue_gives_each_model_the_shape_that_has_its_weights(entry: models.CatalogueEntry) -> None:
    values = {**entry.config, "pad_token_id": 0}
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    with torch.device("meta"):
        model: Any = AutoModelForCausalLM.from_config(config)
    assert sum(weight.numel() for weight in model.parameters()) == entry.parameters
    assert type(model).__name__ == entry.architecture
    assert entry.hub or entry.source is not None


def test_what_does_not_fit_is_computed_in_smaller_parts(base: Checkpoint) -> None:
    def found(memory: int) -> Forecast:
        place = PLACE.model_copy(update={"memory_bytes": memory})
        config = config_of(base, num_hidden_layers=20, hidden_size=192, intermediate_size=768)
        spec = SPEC.model_copy(update={"batch": 64, "backend": Named(name="local")})
        return forecast(spec, place, config, stored(base.path), (texts(64, 60), ()), 64)

    roomy = found(10**12)
    assert roomy.fits and roomy.tokens == 2048 and roomy.parts == 2
    tight = found(roomy.memory_bytes - 10_000_000)
    assert tight.fits and tight.tokens < 2048 and tight.parts > 2
    assert not found(1000).fits


def test_time_and_money_grow_with_the_examples(base: Checkpoint) -> None:
    splits = (texts(32, 40), texts(4, 40))
    few, many, most = (
        forecast(SPEC, PLACE, config_of(base), stored(base.path), splits, count) for count in (32, 320, 3200)
    )
    assert most.steps == 10 * many.steps == 100 * few.steps
    assert few.seconds_low < few.seconds < few.seconds_high
    assert most.seconds - many.seconds == pytest.approx(10 * (many.seconds - few.seconds), rel=0.01)
    assert many.cost == pytest.approx(2.0 * many.seconds / 3600)


@pytest.fixture
def planned_however_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model as small as that of the tests always fits, so that nothing is planned for it."""
    monkeypatch.setattr(fits, "SMALL", 0)


@pytest.mark.usefixtures("planned_however_small")
def test_a_model_too_large_for_the_machine_is_refused_before_it_is_loaded(
    base: Checkpoint, dataset: Dataset, task: Task, context: Callable[..., Context]
) -> None:
    heard: list[Event] = []
    spec = TrainSpec.model_validate({**SPEC.model_dump(), "backend": {"local": {"memory_gb": 0.01}}})
    with pytest.raises(TrainError, match=r"needs about 0\.\d GB, and there are 0\.0") as caught:
        run(context(heard), spec, base, dataset, task)
    assert "tunewright plan" in caught.value.problems[0].fix
    assert not any(event.kind == "progress" for event in heard)


@pytest.mark.usefixtures("planned_however_small")
def test_a_run_that_shares_the_machine_is_planned_for_its_share(
    base: Checkpoint, dataset: Dataset, task: Task, context: Callable[..., Context], tmp_path: Path
) -> None:
    share = Settings(cache=tmp_path / "cache", threads=1, offline=True, memory_gb=0.01)
    with pytest.raises(TrainError, match=r"there are 0\.0"):
        run(context(settings=share), SPEC, base, dataset, task)


@pytest.mark.usefixtures("planned_however_small")
def test_a_run_tells_beforehand_what_it_will_need_and_keeps_it_beside_what_it_needed(
    base: Checkpoint, dataset: Dataset, task: Task, context: Callable[..., Context]
) -> None:
    heard: list[Event] = []
    made = run(context(heard), SPEC, base, dataset, task)
    assert any(event.message.startswith("planned: ") for event in heard)
    assert made.metrics["planned_gb"] > 0 and made.metrics["planned_seconds"] > 0
    assert "planned before the run" in (made.path / "card.md").read_text()


def test_a_price_of_the_user_stands_over_the_table(tmp_path: Path) -> None:
    own = tmp_path / "prices.yaml"
    own.write_text("currency: EUR\nhere: 0.2\ndevices:\n  l4: {price: 0.9}\n")
    table = prices.read(own)
    assert table.currency == "EUR" and table.here == 0.2
    assert table.device("l4").price == 0.9
    assert table.device("l4").memory_gb == prices.read().device("l4").memory_gb
