"""The line of the stage: ask the report, pack, prove parity, register."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunewright.core.types import Checkpoint, Dataset, Example, Release, Report
from tunewright.deploy import gate, packing, parity
from tunewright.deploy.packing import Packed
from tunewright.deploy.parity import EVIDENCE, Evidence
from tunewright.deploy.release import objections
from tunewright.deploy.spec import DeploySpec
from tunewright.runtime import adapters, examples, models, workspace
from tunewright.runtime.chat import Chat
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named

VERSION = "2"
"""Raised when a change of the stage makes earlier artifacts stale."""


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
        found = _prove(context, spec, packed, report, dataset)
        release = context.seal(
            Release,
            checkpoint=checkpoint.id,
            report=report.id,
            form=form.name,
            engine=packed.engine,
            parity=found.parities,
            template_sha256=Chat.load(packed.folder).template_sha256,
            base=checkpoint.base,
            tuner=packed.checkpoint.tuner,
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


def _pack(context: Context, form: Named, checkpoint: Checkpoint) -> Packed:
    context.tell("note", f"packing as `{form.name}`")
    return packing.pack(form, checkpoint, context.folder / form.name, context.settings)


def _prove(context: Context, spec: DeploySpec, packed: Packed, report: Report, dataset: Dataset) -> Evidence:
    count = (
        spec.parity_prompts
        if packed.rounding is not None
        else max(spec.parity_prompts, spec.quantised_prompts)
    )
    asked = _sample(examples.read(dataset, "test"), count, context.seed)
    answered = list[int]()

    def told(more: int) -> None:
        answered.append(more)
        context.progress(sum(answered), (3 if spec.parity_served else 2) * len(asked), "parity")

    found = gate.prove(packed, spec, gate.Given(asked, context.settings, report, told))
    parity.require_parity(found)
    for warning in parity.doubts(found):
        context.tell("warning", warning)
    workspace.atomic_write(context.folder / EVIDENCE, found.model_dump_json(indent=1).encode())
    return found


def _sample(found: Sequence[Example], n: int, seed: int) -> list[Example]:
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
