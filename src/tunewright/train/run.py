"""The line of the stage: render, plan, fit, diagnose, write the card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

from tunewright.core import digest
from tunewright.core.errors import MissingExtra, TrainError
from tunewright.core.types import Checkpoint, Dataset, Example, Problem, Split, Task
from tunewright.runtime import examples, models, plugins, settings
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.settings import Settings
from tunewright.train.card import settings_of, write_card
from tunewright.train.checks import check_examples, check_lengths, check_rater, check_round, room
from tunewright.train.diagnose import diagnose
from tunewright.train.lint import BaseFacts, DataFacts, Facts
from tunewright.train.plan import VALIDATION_LIMIT, make_plan
from tunewright.train.ports import Backend, Curve, Method, TaughtMethod, Tracker, Tuner, Work
from tunewright.train.probe import probes
from tunewright.train.spec import TrainSpec
from tunewright.train.teach import lessons, teacher_of, unlike

VERSION = "5"
"""Raised when a change of the stage makes earlier checkpoints stale."""
EXAMINED = 1000
"""Examples that are made into tokens before a run: some CPU seconds."""


def run(
    context: Context,
    spec: TrainSpec,
    base: Checkpoint,
    dataset: Dataset,
    task: Task,
    rater: Checkpoint | None = None,
) -> Checkpoint:
    """Tune a model on the dataset; a stopped or killed run goes on where it was.

    A base that is tuned already goes on from its adapter, which `spec.tuner` must be, too. `rater` is the
    reward model that an online method may learn from.
    """
    chat = Chat.load(base.path)
    method: Method = plugins.make("methods", spec.method)
    _tell_left_out(context, spec, method, dataset)
    teacher = _teacher(context, method, chat)
    train = _lessons(context, method, chat, dataset, task)
    validation = _render(method, chat, dataset, task, "validation")[:VALIDATION_LIMIT]
    test = _render(method, chat, dataset, task, "test")
    tuner: Tuner = plugins.make("tuners", spec.tuner)
    space = room(base.base.context, tuner)
    lengths = check_lengths({"validation": validation, "test": test}, space)
    source = models.weights_of(base, context.settings)
    data = DataFacts(
        train=train,
        validation=validation,
        examples=_examples(dataset, "train"),
        instruction=task.instruction,
    )
    facts = Facts(spec=spec, data=data, base=BaseFacts.of(base, source))
    _refuse(
        context,
        [
            *check_round(spec, facts),
            *check_rater(spec, rater),
            *check_examples(spec.method.name, method, train, space),
            *lengths,
        ],
    )
    # A classifier's loss rises while its answers still improve: it only grows too sure of itself.
    best_by: Literal["exact", "loss"] = "exact" if dataset.labels else "loss"
    plan = make_plan(spec, context.seed, base, (train, validation), best_by, rater)
    backend: Backend = plugins.make("backends", spec.backend)
    work = Work(
        plan=plan,
        weights=source,
        base_name=base.base.name,
        train=train,
        validation=validation,
        method=method,
        tuner=tuner,
        probes=probes(chat, validation),
        chat=chat,
        start=None if models.whole(base) else base.path,
        rater=None if rater is None else _parts(rater, context.settings),
        labels=dataset.labels,
        teacher=None if teacher is None else models.weights_of(teacher, context.settings),
    )
    curve = backend.fit(work, context)
    findings = diagnose(plan, curve)
    for finding in findings:
        context.tell("warning", str(finding), where=finding.where)
    _freeze(chat, base.path, context.folder)
    write_card(context, spec, plan, (base, dataset, task), curve, findings)
    _mirror(context, spec, curve, base, dataset)
    return context.seal(
        Checkpoint,
        base=base.base,
        tuner=spec.tuner.name,
        method=spec.method.name,
        template_sha256=chat.template_sha256,
        instruction=task.instruction,
        labels=dataset.labels,
        trained_parameters=curve.trained_parameters,
        metrics=_metrics(curve),
    )


def examine(spec: TrainSpec, base: Checkpoint, dataset: Dataset, task: Task, export: str) -> Facts:
    """What is known before a run of settings, base model and the first examples, for the linter."""
    chat = Chat.load(base.path)
    method: Method = plugins.make("methods", spec.method)
    first = [one for one in _examples(dataset, "train") if method.takes(one)]
    validation = [one for one in _examples(dataset, "validation") if method.takes(one)]
    data = DataFacts(
        train=method.render(first[:EXAMINED], chat, task.instruction),
        validation=method.render(validation[:EXAMINED], chat, task.instruction),
        examples=first,
        instruction=task.instruction,
        count=len(first),
    )
    return Facts(spec=spec, data=data, base=BaseFacts.of(base, base.path), export=export)


def examine_model(spec: TrainSpec, name: str, folder: Path, export: str) -> Facts:
    """What is known before a run of settings and an untouched model, for the linter."""
    return Facts(spec=spec, base=BaseFacts.at(name, folder), export=export)


def fingerprint(spec: TrainSpec, project: Path) -> dict[str, str]:
    """Of what is read outside the spec and the inputs, a local teacher; the version of the stage counts."""
    method: Method = plugins.make("methods", spec.method)
    if not isinstance(method, TaughtMethod) or not method.model:
        return {"train": VERSION}
    teacher = models.resolve(models.of_project(method.model, project), settings.read())
    return {"train": VERSION, "teacher": teacher.base.sha256}


def _teacher(context: Context, method: Method, chat: Chat) -> Checkpoint | None:
    """The model whose probabilities are learned, if any are."""
    if not isinstance(method, TaughtMethod) or method.learn == "answers":
        return None
    teacher = teacher_of(context, method)
    assert teacher is not None, "checked before"
    _refuse(context, list(unlike(chat, teacher)))
    return teacher


def _lessons(context: Context, method: Method, chat: Chat, dataset: Dataset, task: Task) -> list[Rendered]:
    """What is trained on; where a teacher's answers are learned, with these."""
    if not isinstance(method, TaughtMethod) or method.learn == "probabilities":
        return _render(method, chat, dataset, task, "train")
    found = [one for one in _examples(dataset, "train") if method.takes(one)]
    taught = lessons(context, method, found, task.instruction)
    return method.render(taught, chat, task.instruction) if taught else []


def _render(method: Method, chat: Chat, dataset: Dataset, task: Task, split: Split) -> list[Rendered]:
    found = [one for one in _examples(dataset, split) if method.takes(one)]
    if isinstance(method, TaughtMethod):
        found = [one for one in found if one.answer is not None]
    return method.render(found, chat, task.instruction) if found else []


def _examples(dataset: Dataset, split: Split) -> list[Example]:
    return examples.read(dataset, split) if examples.path_of(dataset, split).exists() else []


def _parts(checkpoint: Checkpoint, settings: Settings) -> tuple[Path, Path | None]:
    """Folders of the weights and of the adapter."""
    adapter = None if models.whole(checkpoint) else checkpoint.path
    return models.weights_of(checkpoint, settings), adapter


def _tell_left_out(context: Context, spec: TrainSpec, method: Method, dataset: Dataset) -> None:
    left = sum(not method.takes(one) for one in _examples(dataset, "train"))
    if left:
        context.tell(
            "note", f"`{spec.method.name}` cannot learn from {left} training examples: they are left out"
        )


def _refuse(context: Context, problems: list[Problem]) -> None:
    fatal = [problem for problem in problems if problem.fatal]
    if fatal:
        raise TrainError(problems=fatal)
    for problem in problems:
        context.tell("warning", f"{problem.what}; {problem.fix}", where=problem.where)


def _freeze(chat: Chat, source: Path, folder: Path) -> None:
    (folder / TEMPLATE).write_text(chat.template, encoding="utf-8")
    for name in (TOKENIZER, TOKENIZER_SETTINGS, "special_tokens_map.json"):
        if (source / name).exists():
            shutil.copyfile(source / name, folder / name)
    written = digest.of_text((folder / TEMPLATE).read_text(encoding="utf-8"))
    if written != chat.template_sha256:
        raise TrainError(
            "the chat template could not be frozen letter for letter", where=str(folder / TEMPLATE)
        )


def _mirror(context: Context, spec: TrainSpec, curve: Curve, base: Checkpoint, dataset: Dataset) -> None:
    if spec.tracker is None:
        return
    tracker: Tracker = plugins.make("trackers", spec.tracker)
    try:
        tracker.log(context, settings_of(spec, base, dataset), curve)
    except MissingExtra as missing:
        context.tell("note", f"the curves are not mirrored: {missing}")
    except Exception as error:  # noqa: BLE001 - a mirror may fail in any way, and must not cost the run
        context.tell("warning", f"the curves are not mirrored: {type(error).__name__}: {error}")


def _metrics(curve: Curve) -> dict[str, float]:
    figures = {
        "train_loss": sum(curve.losses[-20:]) / max(1, len(curve.losses[-20:])),
        "steps": float(len(curve.losses)),
        "best_step": float(curve.best_step),
        "seconds": curve.seconds,
        "cpu_seconds": curve.cpu_seconds,
        "tokens_per_second": curve.tokens / max(curve.seconds, 1e-9),
        "peak_gb": curve.peak_gb,
    }
    if curve.planned_gb:
        figures |= {"planned_gb": curve.planned_gb, "planned_seconds": curve.planned_seconds}
    best = curve.best
    if best is None:
        return figures
    return {**figures, "validation_loss": best.loss, "validation_exact": best.exact}
