"""The line of the stage: ask the report, pack, prove parity, register."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from tunewright.core.types import Checkpoint, Dataset, Example, Release, Report
from tunewright.deploy import parity
from tunewright.deploy.parity import Evidence
from tunewright.deploy.ports import Export
from tunewright.deploy.release import objections
from tunewright.deploy.spec import DeploySpec
from tunewright.runtime import adapters, examples, models, plugins, workspace
from tunewright.runtime.chat import Chat, with_instruction
from tunewright.runtime.context import Context
from tunewright.runtime.lazy import require
from tunewright.runtime.plugins import Named

VERSION = "1"
"""Raised when a change of the stage makes earlier artifacts stale."""

EVIDENCE = "parity.json"


def run(
    context: Context, spec: DeploySpec, checkpoint: Checkpoint, report: Report, dataset: Dataset
) -> Release:
    """Pack the checkpoint and register it; what the report does not allow stays a candidate.

    Raises `DeployError`, and leaves nothing, if the packed form does not answer alike.
    """
    reasons = objections(checkpoint, report, spec.allow)
    form = spec.export or fitting(checkpoint)
    with _nothing_left(context.folder):
        packed = _pack(context, form, checkpoint)
        found = _prove(context, spec, checkpoint, packed, dataset)
        release = context.seal(
            Release,
            checkpoint=checkpoint.id,
            report=report.id,
            form=form.name,
            parity=(found.same, found.effect),
            template_sha256=Chat.load(packed).template_sha256,
            base=checkpoint.base,
            tuner=None if (packed / models.CONFIG).exists() else checkpoint.tuner,
            instruction=checkpoint.instruction,
            labels=checkpoint.labels,
            allowed=not reasons,
            reasons=reasons,
        )
    if reasons:
        context.tell("warning", "packed as a candidate only: " + "; ".join(reasons))
    return release


def fingerprint(spec: DeploySpec, project: Path) -> dict[str, str]:
    """Nothing outside the spec and the inputs is read; the version of the stage counts."""
    del spec, project
    return {"deploy": VERSION}


def fitting(checkpoint: Checkpoint) -> Named:
    """The form of a checkpoint for which none was asked for: one folder, unless it cannot be merged."""
    damaged = any(True for _ in adapters.check(checkpoint.path))
    if models.whole(checkpoint) or damaged or not adapters.apart(checkpoint.path):
        return Named(name="merged")
    return Named(name="adapter")


def _pack(context: Context, form: Named, checkpoint: Checkpoint) -> Path:
    folder = context.folder / form.name
    folder.mkdir(parents=True)
    context.tell("note", f"packing as `{form.name}`")
    export: Export = plugins.make("exports", form)
    export.pack(checkpoint, folder, context.settings)
    return folder


def _prove(
    context: Context, spec: DeploySpec, checkpoint: Checkpoint, packed: Path, dataset: Dataset
) -> Evidence:
    chat = Chat.load(packed)
    asked = _sample(examples.read(dataset, "test"), spec.parity_prompts, context.seed)
    prompts = [chat.prompt(with_instruction(example.prompt, checkpoint.instruction)) for example in asked]
    answered = list[int]()

    def told(more: int) -> None:
        answered.append(more)
        context.progress(sum(answered), 2 * len(prompts), "parity")

    require("peft", extra="train")
    require("torch", extra="train").set_num_threads(context.settings.threads)
    greedy = require("tunewright.deploy.torch.greedy", extra="train")
    base = models.weights(checkpoint.base, context.settings)
    how = (prompts, chat.stop_ids, spec.parity_tokens, told)
    ask = greedy.whole_answers if models.whole(checkpoint) else greedy.adapter_answers
    tuned, untouched = ask(base, checkpoint.path, *how)
    if (packed / models.CONFIG).exists():
        said = greedy.folder_answers(packed, *how)
    else:
        said, _ = greedy.adapter_answers(base, packed, *how)
    answers = parity.Answers(base=untouched, adapter=tuned, packed=said)
    found = parity.evidence(answers, packed.name, [example.id for example in asked], chat.decode)
    parity.require_parity(found)
    workspace.atomic_write(context.folder / EVIDENCE, found.model_dump_json(indent=1).encode())
    return found


def _sample(found: list[Example], n: int, seed: int) -> list[Example]:
    """`n` examples by chance, in their order."""
    places = sorted(random.Random(seed).sample(range(len(found)), min(n, len(found))))
    return [found[place] for place in places]


@contextlib.contextmanager
def _nothing_left(folder: Path) -> Iterator[None]:
    """Begin with an empty folder, and leave an empty one if anything goes wrong."""
    _empty(folder)
    try:
        yield
    except BaseException:
        _empty(folder)
        raise


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
