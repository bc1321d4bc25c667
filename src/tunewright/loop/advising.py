"""Advice: base model, tuner, method and settings for the data and the machine, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tunewright.core.errors import SpecError, WorkspaceError
from tunewright.core.types import Dataset, Example, Frozen
from tunewright.loop.line import Outcome
from tunewright.loop.planning import (
    Ask,
    Planned,
    Shape,
    Texts,
    between,
    places_of,
    plan_one,
    shape,
    texts_of,
    tokens_of,
)
from tunewright.runtime import examples, models, settings
from tunewright.train import Forecast, Place, TrainSpec
from tunewright.train.rates import GENTLER

if TYPE_CHECKING:
    from tunewright.loop.spec import Spec

OPEN = ("Apache-2.0", "MIT")
"""Licences that ask for nothing but to be named."""
LARGE, LARGE_RATE = 500e6, 2e-4
"""Weights of a model above which LoRA wants shorter steps, and how long they are then."""
FEW, MANY = 300, 20_000
"""Training examples below and above which the epochs change."""
MARKED = 0.05
"""Share of the examples that must be marked undesirable to be worth a method of their own."""
STORED = {"lora": 2.0, "qlora": 0.6}
"""Bytes of a weight under each tuner that is advised, at the least."""
WORK = 3
"""Floating-point operations that training needs at the least, by a weight and a token."""


class Advice(Frozen):
    """What is advised, and why."""

    model: str
    settings: dict[str, Any]
    """Of the spec's section `train`."""
    reasons: tuple[str, ...]
    planned: tuple[Planned, ...]
    """Of every round."""

    @property
    def spec(self) -> str:
        """The lines to put into the spec."""
        values = {"model": self.model, "train": self.settings}
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


@dataclass(frozen=True)
class Found:
    """What the advice is made from."""

    train: Sequence[Example]
    labels: int

    @property
    def count(self) -> int:
        """Training examples."""
        return len(self.train)

    def share(self, of: str) -> float:
        """Of the examples that have a `rejected` answer, are marked `undesirable`, or are `text` alone."""
        has = {
            "rejected": lambda one: one.rejected is not None,
            "undesirable": lambda one: one.desirable is False,
            "text": lambda one: one.text is not None and not one.messages,
        }[of]
        return sum(map(has, self.train)) / max(1, self.count)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What limits the advice."""

    hours: float = 8.0
    """That training may take."""
    on: str | None = None
    """A device of the price table; this machine if left out."""
    commercial: bool = True
    """Only models whose licence asks for nothing but to be named."""
    prices: Path | None = None


def advise(project: Path, spec: Spec, made: Outcome, wish: Wish) -> Advice:
    """The largest model that fits the place and the time, and how to train it.

    Raises `WorkspaceError` where there is no data set yet, `SpecError` where no model fits.
    """
    dataset = _dataset(made, project)
    found = Found(examples.read(dataset, "train"), len(dataset.labels))
    ask = Ask(on=(wish.on,) if wish.on else (), prices=wish.prices)
    (place,), table = places_of(project, spec, ask)
    passed, texts = list[str](), list[Texts]()
    for model, chosen in _ways(project, place, found, wish):
        rounds = TrainSpec.model_validate(chosen).rounds
        texts = texts or [texts_of(project, spec, made, once, ask) for once in rounds]  # of all models alike
        planned = tuple(
            plan_one(model, once, place, table.currency, learned)
            for once, learned in zip(rounds, texts, strict=True)
        )
        forecasts = [one.forecast for one in planned if one.forecast is not None]
        hours = sum(one.seconds for one in forecasts) / 3600
        if len(forecasts) < len(rounds):
            passed.append(f"{model.name}: {next(one.note for one in planned if one.note)}")
        elif not all(one.fits for one in forecasts):
            passed.append(f"{model.name} with {rounds[0].tuner.name} does not fit")
        elif hours > wish.hours:
            passed.append(f"{model.name} with {rounds[0].tuner.name} would take {hours:.1f} hours")
        else:
            reasons = (*_of_model(model, forecasts, place, passed), *_of_settings(found, chosen))
            return Advice(model=model.name, settings=chosen, reasons=reasons, planned=planned)
    raise SpecError(
        f"no model of the catalogue can be trained within {wish.hours:g} hours on {place.name}"
        + "".join(f"; {one}" for one in passed[-2:]),
        where="advise",
        fix="allow more `--hours`, name a device with `--on`, or train on fewer examples",
    )


def _dataset(made: Outcome, project: Path) -> Dataset:
    if made.dataset is None or made.task is None:
        raise WorkspaceError(
            "there is no data set to advise on yet",
            where=str(project),
            fix="`tunewright run --only data` makes it",
        )
    return made.dataset


def _ways(project: Path, place: Place, found: Found, wish: Wish) -> Iterator[tuple[Shape, dict[str, Any]]]:
    """Models and how to train them, the largest first, with weights in 4 bits if those in 16 do not fit."""
    for model in _largest_first(project, place, found, wish):
        for tuner in _tuners(place):
            if STORED[tuner] * model.parameters < place.memory_bytes:
                yield model, _settings(found, model, tuner)


def _tuners(place: Place) -> tuple[str, ...]:
    """On a CPU quantised weights save nothing: they are made whole for every product."""
    return ("lora", "qlora") if place.gpu else ("lora",)


def _largest_first(project: Path, place: Place, found: Found, wish: Wish) -> Iterator[Shape]:
    """Models whose products alone would not take longer, without counting more."""
    how = settings.read()
    entries = sorted(models.catalogue(), key=lambda entry: -entry.parameters)
    tokens = sum(map(tokens_of, found.train))
    for entry in entries:
        here = models.known(entry.name, how) is not None
        seconds = WORK * entry.parameters * tokens / place.speed.flops
        allowed = entry.licence in OPEN or not wish.commercial
        if allowed and seconds < wish.hours * 3600 and (here or not how.offline):
            yield shape(entry.name, project)


def _settings(found: Found, model: Shape, tuner: str) -> dict[str, Any]:
    """The section `train`: only what differs from its defaults."""
    chosen: dict[str, Any] = {}
    if found.share("text") > 1 / 2:
        chosen["method"] = "cpt"
    if model.parameters >= LARGE:
        chosen["learning_rate"] = LARGE_RATE
    if tuner != "lora":
        chosen["tuner"] = tuner
    if found.count < FEW:
        chosen |= {"epochs": 5, "batch": 8, "tuner": {tuner: {"r": 8, "dropout": 0.1}}}
    elif found.count > MANY:
        chosen["epochs"] = 1
    return chosen | _then(found, model)


def _then(found: Found, model: Shape) -> dict[str, Any]:
    """A further round, where there are answers to be learned from as what not to say."""
    paired, marked = found.share("rejected") > 1 / 2, found.share("undesirable") > MARKED
    if not paired and not marked:
        return {}
    rate = {"learning_rate": LARGE_RATE / GENTLER} if model.parameters >= LARGE else {}
    return {"then": {"method": "dpo" if paired else "kto", "epochs": 1, **rate}}


def _of_model(model: Shape, rounds: Sequence[Forecast], place: Place, passed: Sequence[str]) -> Iterator[str]:
    most = max(one.memory_bytes for one in rounds)
    low, high = sum(one.seconds_low for one in rounds), sum(one.seconds_high for one in rounds)
    yield (
        f"model: {model.name} ({model.parameters / 1e9:.2f} billion weights, {model.licence}) is the largest "
        f"that fits: {most / 1e9:.1f} of {place.memory_bytes / 1e9:.1f} GB on {place.name}, "
        f"{between(low, high)}"
    )
    if passed:
        yield f"passed over: {'; '.join(passed)}"
    yield ("a larger model is not always the better one: `tunewright sweep` over `model` tells for your task")


def _of_settings(found: Found, chosen: dict[str, Any]) -> Iterator[str]:
    few = " are few, so a low rank and dropout" if found.count < FEW else ""
    quantised = "qlora" in chosen.get("tuner", "")
    why = (
        "qlora, which is lora on weights in 4 bits, since those in 16 do not fit"
        if quantised
        else "lora, which moves few weights and can be merged"
    )
    yield f"tuner: {why}; {found.count:,} training examples{few}"
    method = chosen.get("method", "sft")
    why = "most examples are text alone" if method == "cpt" else "the examples have answers to learn"
    yield f"method: {method}: {why}"
    if "then" in chosen:
        word = "rejected" if chosen["then"]["method"] == "dpo" else "undesirable"
        yield f"then {chosen['then']['method']}: {found.share(word):.0%} of the examples have {word} answers"
    if "epochs" in chosen:
        more = f", batch: {chosen['batch']}" if "batch" in chosen else ""
        yield f"epochs: {chosen['epochs']}{more}, for {found.count:,} examples"
    if "learning_rate" in chosen:
        yield f"learning rate: {chosen['learning_rate']:g}: large models want shorter steps"
    if found.labels:
        yield f"{found.labels} labels: `tunewright run` compares with a classical classifier first"
