"""Everything that can be known to be wrong before anything is spent, section by section."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright import data, define, deploy, evaluate, iterate, train
from tunewright.core.types import Finding, Problem
from tunewright.deploy import DeploySpec
from tunewright.deploy.ports import Export, Made
from tunewright.loop.line import Outcome
from tunewright.loop.spec import Spec
from tunewright.runtime import hardware, models, plugins, settings
from tunewright.runtime.models.files import read_object
from tunewright.train import TrainSpec
from tunewright.train.ports import Tuner

LEAST_BYTES = 2
"""Of a weight as it is loaded."""
_SECTIONS: dict[str, Callable[[Any, Path], Iterator[Problem]]] = {
    "model": lambda name, project: models.check(models.of_project(name, project)),
    "define": lambda spec, _: define.check(spec),
    "data": data.check,
    "train": lambda spec, _: train.check(spec),
    "evaluate": lambda spec, _: evaluate.check(spec),
    "deploy": lambda spec, _: deploy.check(spec),
    "iterate": lambda spec, _: iterate.check(spec),
}


def at_hand(found: Sequence[Problem], spec: Spec, project: Path, outcome: Outcome) -> Iterator[Problem]:
    """The problems `found` in the spec, and what the linter says once it knows data and model.

    The data set is the newest, which may be older than the spec; nothing is fetched.
    """
    task, dataset = outcome.task, outcome.dataset
    name, how = models.of_project(spec.model, project), settings.read()
    if task is None or dataset is None or models.known(name, how) is None:
        yield from found
        return
    base = models.resolve(name, how)
    told = [one for one in found if not isinstance(one, Finding) or one.where.startswith("sweep.")]
    for depth, once in enumerate(spec.train.rounds):
        if any(plugins.check("methods", once.method, where="")):  # that is told already
            continue
        facts = train.examine(once, base, dataset, task, _form(spec.deploy))
        seen = [train.in_round(one, depth) for one in train.lint(facts)]
        told += [one for one in seen if one not in told]  # of the same data every round says the same
    yield from told


def check(sections: Mapping[str, Any], project: Path) -> Iterator[Problem]:
    """Problems of the sections that are given, by their names in the spec, in its order."""
    told = [
        problem
        for name, problems in _SECTIONS.items()
        if name in sections
        for problem in problems(sections[name], project)
    ]
    yield from told
    if "model" in sections:
        yield from _check_memory(models.of_project(sections["model"], project))
    if "train" in sections and "model" in sections:
        found = _lint_model(sections["train"], sections["model"], sections.get("deploy"), project)
        yield from (one for one in found if one not in told)
    if "train" in sections and "deploy" in sections:
        yield from _check_packing(sections["train"], sections["deploy"], sections.get("model"), project)


def _check_memory(name: str) -> Iterator[Problem]:
    """A model whose weights alone are more than the machine holds: said before the baselines load it."""
    count = models.parameters_of(name, settings.read())
    if count is None or count * LEAST_BYTES <= hardware.memory()[0]:
        return
    machine = hardware.look(gpus=True)
    most = max([machine.memory_bytes, *(card.memory_bytes for card in machine.gpus)])
    if count * LEAST_BYTES > most:
        yield Problem(
            where="model",
            what=f"the weights of `{name}` alone take {count * LEAST_BYTES / 1e9:.0f} GB, and this machine "
            f"has {most / 1e9:.0f}",
            fix="take a smaller model; `tunewright advise` names the largest that fits",
        )


def _lint_model(how: TrainSpec, model: str, packed: DeploySpec | None, project: Path) -> Iterator[Finding]:
    """What the linter says of settings and model, if that is at hand; its weights are not read."""
    folder = models.known(models.of_project(model, project), settings.read())
    if folder is not None:
        yield from train.lint(train.examine_model(how, model, folder, _form(packed)))


def _form(packed: DeploySpec | None) -> str:
    return packed.export.name if packed is not None and packed.export is not None else "merged"


def _check_packing(how: TrainSpec, packed: DeploySpec, model: str | None, project: Path) -> Iterator[Problem]:
    """A form that what is trained could not be packed in: said before the training, not after it."""
    if packed.export is None:  # the one that fits is taken
        return
    if any(plugins.check("tuners", how.tuner, where="")) or any(
        plugins.check("exports", packed.export, where="")
    ):
        return
    tuner: Tuner = plugins.make("tuners", how.tuner)
    base = None if model is None else models.known(models.of_project(model, project), settings.read())
    config = {} if base is None else read_object(base / models.CONFIG)
    made = Made(kind=how.tuner.name, whole=tuner.whole, apart=tuner.apart, config=config, base=base)
    export: Export = plugins.make("exports", packed.export)
    yield from export.refuses(made)
