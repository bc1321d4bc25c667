"""What is wrong with an order for synthetic examples before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Problem
from tunewright.data import checks
from tunewright.data.read import name_of
from tunewright.data.spec import DataSpec
from tunewright.data.synthetic import prompt
from tunewright.data.synthetic.draft import Ground
from tunewright.data.synthetic.kinds import MAKERS
from tunewright.data.synthetic.spec import SynthesisSpec
from tunewright.runtime import models, plugins
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

_HERE = ("localhost", "127.0.0.1", "::1", None)


def check(
    order: SynthesisSpec, data: DataSpec, ground: Ground, project: Path, settings: Settings
) -> Iterator[Problem]:
    """Every problem of the order; those that are not fatal are told."""
    yield from _engines(order, settings)
    yield from _source(order, project)
    yield from _sense(order, data, ground)
    yield from _output(order, data, project)
    if order.kind != "noise":
        yield from prompt.check(order.kind, order.prompt)
        yield from _leaving(order, data)


def _engines(order: SynthesisSpec, settings: Settings) -> Iterator[Problem]:
    if order.kind == "noise":
        return
    if order.teacher is None:
        fix = "name an engine, such as `{openai: {url: http://127.0.0.1:8001/v1, model: NAME}}`"
        yield Problem(where="synthesise.teacher", what=f"`{order.kind}` needs a teacher", fix=fix)
    if order.model is not None:
        yield from models.check(order.model)
    for where, engine in (("teacher", order.teacher), ("judge", order.judge)):
        if engine is not None:
            yield from _engine(engine, f"synthesise.{where}", order.model is None, settings)


def _engine(engine: Named, where: str, alone: bool, settings: Settings) -> Iterator[Problem]:
    """What is wrong with an engine; one that gets no model is opened, which shows what it lacks."""
    problems = tuple(plugins.check("engines", engine, where=where))
    yield from problems
    if not problems and alone:
        try:
            plugins.make("engines", engine).open(None, settings).close()
        except TunewrightError as error:
            yield from error.problems


def _source(order: SynthesisSpec, project: Path) -> Iterator[Problem]:
    needed = MAKERS[order.kind].needs_source
    if needed and order.source is None:
        what = f"`{order.kind}` needs a source"
        yield Problem(where="synthesise.source", what=what, fix="name a file of texts or questions")
    if needed and order.source is not None:
        for problem in checks.check(DataSpec(sources=(order.source,)), project):
            yield problem.model_copy(update={"where": "synthesise.source"})


def _sense(order: SynthesisSpec, data: DataSpec, ground: Ground) -> Iterator[Problem]:
    where = f"synthesise {order.kind}"
    if order.kind == "pairs" and ground.labelled:
        what = "answers from passages are no labels, and the task is a classification"
        yield Problem(where=where, what=what, fix="take `paraphrase` or `answers`")
    if MAKERS[order.kind].needs_dataset and not ground.train:
        what = f"`{order.kind}` begins with training examples, and there is no data set yet"
        yield Problem(where=where, what=what, fix="`tunewright run --only data` makes it")
    if order.kind == "answers" and ground.labelled and not ground.labels:
        what = "there is no data set yet that would tell the labels"
        yield Problem(where=where, what=what, fix="`tunewright run --only data` makes it")
    if order.kind == "negatives" and data.format is not None:
        what = f"`data.format` says that every source is `{data.format}`, so pairs could not be read"
        yield Problem(where="data.format", what=what, fix="leave it out: detection tells them apart")


def _output(order: SynthesisSpec, data: DataSpec, project: Path) -> Iterator[Problem]:
    if Path(order.output).suffix != ".jsonl":
        fix = "name it `….jsonl`"
        yield Problem(where="synthesise.output", what="the output is a file of JSON lines", fix=fix)
    path = (project / order.output).resolve()
    if path in {(project / name_of(one)).resolve() for one in (*data.test, *data.validation)}:
        what = "nothing synthetic stands in test or validation, and this is a file of them"
        yield Problem(where="synthesise.output", what=what, fix="name another file")
    if path.parent.exists() and not path.parent.is_dir():
        yield Problem(where="synthesise.output", what="its folder is a file", fix="name another place")


def _leaving(order: SynthesisSpec, data: DataSpec) -> Iterator[Problem]:
    """Texts that leave the machine as they are."""
    if any(one.name == "mask" for one in data.transforms):
        return
    for engine in (order.teacher, order.judge):
        address = engine.options.get("url") if engine is not None else None
        if isinstance(address, str) and urlsplit(address).hostname not in _HERE:
            yield Problem(
                where=address,
                what="your texts are sent to this address as they are, personal data included",
                fix="add `mask` to `data.transforms`, and look at the provider's terms",
                fatal=False,
            )
