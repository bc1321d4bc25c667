"""Tokens of an example as a model is trained on such, with the loss mask."""

from __future__ import annotations

from pathlib import Path

from tunewright import data
from tunewright.core.errors import SpecError, WorkspaceError
from tunewright.core.types import SPLITS, Split
from tunewright.data import Preview
from tunewright.loop.line import Outcome
from tunewright.loop.spec import Spec
from tunewright.runtime import examples, models, plugins, settings
from tunewright.runtime.chat import Chat
from tunewright.train.ports import Method


def preview(folder: Path, spec: Spec, outcome: Outcome, number: int, split: Split) -> Preview:
    """Example `number` of a split of the newest data set; raises `WorkspaceError` or `SpecError`."""
    task, dataset = outcome.task, outcome.dataset
    if task is None or dataset is None:
        fix = "`tunewright run --only data` makes it"
        raise WorkspaceError("there is no data set yet", where=str(folder), fix=fix)
    if split not in SPLITS:
        raise SpecError(problems=[plugins.unknown(split, SPLITS, where="preview", noun="split")])
    found = examples.read(dataset, split)
    if not 0 <= number < len(found):
        what, fix = f"there is no example {number} in `{split}`", f"choose 0 to {len(found) - 1}"
        raise WorkspaceError(what, where="preview", fix=fix)
    base = models.resolve(models.of_project(spec.model, folder), settings.read())
    chat = Chat.load(base.path)
    method: Method = plugins.make("methods", spec.train.method)
    return data.preview(method.render([found[number]], chat, task.instruction)[0], chat)
