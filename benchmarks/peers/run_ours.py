"""Our local backend on examples that are tokens already: `run_ours.py TASK.json`."""

from __future__ import annotations

import json
import sys
from itertools import accumulate
from pathlib import Path

from measured import Measured

from tunewright.core.types import Event
from tunewright.runtime import plugins
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.context import Context
from tunewright.runtime.models.local import local_checkpoint
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace
from tunewright.train import TrainSpec
from tunewright.train.plan import make_plan
from tunewright.train.ports import Work
from tunewright.train.torch.batches import order_of

task = json.loads(Path(sys.argv[1]).read_text())
lines = [json.loads(line) for line in Path(task["train"]).read_text().splitlines()]
train = [Rendered(tuple(one["ids"]), tuple(map(bool, one["trained"]))) for one in lines]
per_epoch = -(-len(train) // task["batch"])
spec = TrainSpec.model_validate(
    {
        "epochs": task["steps"] / per_epoch,
        "batch": task["batch"],
        "learning_rate": task["learning_rate"],
        "schedule": "constant",
        "warmup": 0.0,
        "tracker": None,
        "patience": 0,
        **task["options"],
    }
)
base = local_checkpoint(Path(task["model"]))
plan = make_plan(spec, task["seed"], base, (train, []), "loss")
lengths = [len(item.ids) for item in train]
order = [step for epoch in range(10) for step in order_of(len(train), plan.batch, plan.seed, epoch)]
tokens = list(accumulate(sum(lengths[place] for place in step) for step in order))
measured = Measured()


def note(event: Event) -> None:
    """Progress is told about once a second, and at the end."""
    if event.kind == "progress":
        measured.tokens = tokens[int(event.data["done"]) - 1]
        measured.step()


folder = Path(task["folder"])
folder.mkdir(parents=True, exist_ok=True)
context = Context(
    project=folder,
    workspace=Workspace(folder),
    settings=Settings(cache=folder / "cache", threads=task["threads"], offline=True),
    step="train",
    artifact_id="checkpoint",
    folder=folder,
    emit=note,
)
work = Work(
    plan=plan,
    weights=base.path,
    base_name="base",
    train=train,
    validation=[],
    method=plugins.make("methods", spec.method),
    tuner=plugins.make("tuners", spec.tuner),
    chat=Chat.load(base.path),
)
curve = plugins.make("backends", spec.backend).fit(work, context)
measured.write(task["result"], losses=list(curve.losses))
