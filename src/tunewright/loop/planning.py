"""Planning: what runs of some models and tuners would need, on this machine or another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright import train
from tunewright.core.errors import ModelError, SpecError, TunewrightError
from tunewright.core.types import Example, Frozen, Problem
from tunewright.loop.line import Outcome
from tunewright.runtime import examples, models, plugins, prices, settings
from tunewright.runtime.chat import Rendered
from tunewright.runtime.lazy import require
from tunewright.runtime.plugins import Named
from tunewright.train import Forecast, Place, TrainSpec
from tunewright.train.ports import Method

if TYPE_CHECKING:
    from tunewright.loop.spec import Spec

EXAMPLES, LENGTH, ANSWERED = 1000, 256, 4
"""What is assumed where there is no data: so many examples, of so many tokens, a quarter of them answers."""
MOST_LENGTH, FEWEST = 1 << 20, 64
"""Tokens of an example at most, and of all that are made up together unless those are fewer than `FEWEST`."""
HERE = "here"
SPARE = {"precision", "memory_gb"}
"""Options of the local backend that decide what a run may use of this machine."""
LETTERS = 4
"""Letters of a token, where the model that would tell is not here."""


class Planned(Frozen):
    """What one run would need."""

    model: str
    parameters: int
    licence: str
    tuner: str
    method: str
    batch: int
    place: str
    memory_bytes: int
    """What the place has."""
    currency: str
    forecast: Forecast | None = None
    assumed: str = ""
    """What is not known and was taken to be so."""
    note: str = ""
    """Why there is no forecast, or why the run would be refused all the same."""


@dataclass(frozen=True)
class Shape:
    """A base model as far as its size goes."""

    name: str
    licence: str
    parameters: int
    config: Mapping[str, Any]
    stored: Mapping[str, int]
    """Bytes of the weights on the disk, by their number format as safetensors names it."""


@dataclass(frozen=True)
class Texts:
    """Examples as tokens, or texts of their lengths."""

    train: Sequence[Rendered]
    validation: Sequence[Rendered]
    count: int
    """Training examples altogether; `train` may hold only the first."""
    assumed: str = ""
    refused: str = ""
    """Why a run with them would be refused."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What to plan for; what is left out is as in the spec, the data set and this machine."""

    models: Sequence[str] = ()
    tuners: Sequence[str] = ()
    on: Sequence[str] = ()
    """Names of devices of the price table; `here` is this machine."""
    examples: int | None = None
    length: int | None = None
    """Tokens of an example."""
    prices: Path | None = None


def plan(project: Path, spec: Spec, made: Outcome, ask: Ask) -> tuple[Planned, ...]:
    """Every combination of model, tuner, round of training and place; raises `SpecError`."""
    rounds = [_with(spec.train.rounds, tuner) for tuner in ask.tuners] or [spec.train.rounds]
    problems = [problem for chain in rounds for once in chain for problem in _check(once)]
    if problems:
        raise SpecError(problems=problems)
    shapes = [shape(name, project) for name in ask.models or (spec.model,)]
    problems = [problem for model in shapes for problem in _check_length(model, ask.length)]
    if problems:
        raise SpecError(problems=problems)
    places, table = places_of(project, spec, ask)
    texts = [texts_of(project, spec, made, once, ask) for once in spec.train.rounds]  # of every tuner alike
    learned = [pair for chain in rounds for pair in zip(chain, texts, strict=True)]
    return tuple(
        plan_one(model, once, place, table.currency, found)
        for model in shapes
        for once, found in learned
        for place in places
    )


def places_of(project: Path, spec: Spec, ask: Ask) -> tuple[list[Place], prices.Prices]:
    """Where it is planned for, and what an hour costs; raises `SpecError`, `MissingExtra`."""
    require("torch", extra="train")
    table = prices.read(_prices(project, ask))
    named = ask.on or (HERE,)
    return [
        _here(table, spec.train) if name == HERE else _device(table, name, spec.train) for name in named
    ], table


def _prices(project: Path, ask: Ask) -> Path | None:
    own = project / prices.FILE
    return ask.prices or (own if own.exists() else None)


def _with(rounds: Sequence[TrainSpec], tuner: str) -> tuple[TrainSpec, ...]:
    return tuple(once.model_copy(update={"tuner": Named(name=tuner)}) for once in rounds)


def _check(once: TrainSpec) -> Iterator[Problem]:
    yield from plugins.check("tuners", once.tuner, where="train.tuner")
    yield from plugins.check("methods", once.method, where="train.method")


def _check_length(model: Shape, length: int | None) -> Iterator[Problem]:
    context = model.config.get("max_position_embeddings") or MOST_LENGTH
    if length is not None and not 1 < length <= context:
        yield Problem(
            where="--length",
            what=f"examples of {length} tokens: `{model.name}` holds 2 to {context} at once",
            fix="give what an example of yours has; a longer text has to be divided",
        )


def plan_one(model: Shape, once: TrainSpec, place: Place, currency: str, texts: Texts) -> Planned:
    """What one round of one model needs of a place."""
    told = Planned(
        model=model.name,
        parameters=model.parameters,
        licence=model.licence,
        tuner=once.tuner.name,
        method=once.method.name,
        batch=once.batch,
        place=place.name,
        memory_bytes=place.memory_bytes,
        currency=currency,
        assumed=texts.assumed,
        note=texts.refused,
    )
    try:
        found = train.forecast(
            once, place, model.config, model.stored, (texts.train, texts.validation), texts.count
        )
    except TunewrightError as error:
        return told.model_copy(update={"note": str(error)})
    return told.model_copy(update={"forecast": found})


def shape(name: str, project: Path) -> Shape:
    """What is known of a model, of one in the catalogue without fetching it.

    Raises `ModelError` for one that is not known, and with all that is wrong with a folder.
    """
    place, how = models.of_project(name, project), settings.read()
    problems = tuple(models.check(place))
    if problems:
        raise ModelError(problems=problems)
    if models.known(place, how) is None and not name.startswith("hub:"):
        entry = models.show(name)
        return Shape(name, entry.licence, entry.parameters, entry.config, {"BF16": 2 * entry.parameters})
    base = models.resolve(place, how)
    config = json.loads((base.path / models.CONFIG).read_bytes())
    return Shape(name, base.base.licence, base.base.parameters, config, models.stored(base.path))


def _here(table: prices.Prices, spec: TrainSpec) -> Place:
    """This machine, as the local backend would use it; raises `SpecError` for options that are none."""
    problems = tuple(plugins.check("backends", spec.backend, where="train.backend"))
    if problems:
        raise SpecError(problems=problems)
    look = require("tunewright.train.torch.forecast", extra="train").place_here
    named = {name: spec.backend.options[name] for name in SPARE & spec.backend.options.keys()}
    found: Place = look(settings.read(), table, **named)
    return found


def _device(table: prices.Prices, name: str, spec: TrainSpec) -> Place:
    found, precision = table.device(name), spec.backend.options.get("precision")
    return Place(
        name=name,
        gpu=True,
        memory_bytes=int(found.memory_gb * 1e9),
        bf16=found.bf16 and precision != "fp32",
        speed=train.Speed.of_device(found.tflops * 1e12, found.bandwidth_gbs * 1e9),
        price=found.price,
    )


def texts_of(project: Path, spec: Spec, made: Outcome, once: TrainSpec, ask: Ask) -> Texts:
    """The examples that a round learns from, as tokens where that is possible; raises `SpecError` if none."""
    name, how, dataset = models.of_project(spec.model, project), settings.read(), made.dataset
    method: Method = plugins.make("methods", once.method)
    known = [one for one in examples.read(dataset, "train") if method.takes(one)] if dataset else []
    count = ask.examples or len(known) or EXAMPLES
    if ask.length is not None or dataset is None or made.task is None:
        length = ask.length or LENGTH
        few = _alike(once, [length] * min(EXAMPLES, count, max(FEWEST, MOST_LENGTH // length)), count)
        guessed = [] if ask.examples or known else [f"{count} examples"]
        guessed += [] if ask.length else [f"{length} tokens each"]
        return replace(few, assumed=", ".join(guessed))
    if not known:
        raise SpecError(problems=tuple(train.check_examples(once.method.name, method, (), 0)))
    if models.known(name, how) is None:
        return _alike(once, list(map(tokens_of, known[:EXAMPLES])), count)
    facts = train.examine(once, models.resolve(name, how), dataset, made.task, "")
    assert facts.data is not None
    long = [one for one in train.lint(facts) if one.fatal and one.where == "train.max_tokens"]
    refused = "".join(f"a run would be refused: {one.what}; {one.fix}" for one in long)
    return Texts(facts.data.train, facts.data.validation, count, refused=refused)


def between(low: float, high: float) -> str:
    """Two times, given in seconds, in the unit that suits the longer."""
    units = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0))
    unit, size = next(pair for pair in units if high >= pair[1] or pair[0] == "s")
    return f"{low / size:.1f}–{high / size:.1f} {unit}"


def tokens_of(example: Example) -> int:
    """About how many tokens an example has, where no tokenizer is at hand."""
    letters = sum(len(turn.content) for turn in example.messages) + len(example.text or "")
    return max(8, letters // LETTERS)


def _alike(once: TrainSpec, lengths: Sequence[int], count: int) -> Texts:
    """Texts of such lengths, in the form that the method learns from."""
    texts = (_text(length, place) for place, length in enumerate(lengths))
    items = [_formed(once.method.name, item) for item in texts]
    return Texts(items, items[: max(1, len(items) // 10)], count)


def _formed(method: str, item: Rendered) -> Rendered:
    """A text as a method has it: beside it another where it compares two, a place for a rating."""
    if method == "reward":
        return replace(item.rated, beside=item.rated)
    return replace(item, beside=item) if method in ("dpo", "orpo", "kto") else item


def _text(length: int, place: int) -> Rendered:
    """A text of that many tokens, unlike others from its beginning on."""
    answer = max(1, length // ANSWERED)
    return Rendered(ids=(place + 1,) * length, trained=(False,) * (length - answer) + (True,) * answer)
