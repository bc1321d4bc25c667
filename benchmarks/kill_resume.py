"""A run is killed (SIGKILL) at random moments, and goes on to the same bits as one that nobody killed.

45 times on a tiny random model, five times on the embedded one with the fast step. Every kill is in a run
of its own, at a moment drawn evenly over its whole time: while it loads, trains, looks at the validation
examples or saves, which it does after nearly every step. A run that was over before its moment is no kill:
its own time is drawn from next. What the next process leaves (losses of every step, weights of the adapter)
is compared with the uninterrupted run, bit by bit.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.record import WORK, need_dataset, record
from benchmarks.short_runs import example
from tunewright.core import digest
from tunewright.core.types import Checkpoint, Example
from tunewright.runtime import models, plugins
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat
from tunewright.runtime.context import Context
from tunewright.runtime.models.local import local_checkpoint
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace
from tunewright.testing.checkpoint import tiny_model
from tunewright.train import TrainSpec
from tunewright.train.plan import make_plan
from tunewright.train.ports import SAVES, Work

FOLDER = WORK / "kill_resume"
KILLS = {"tiny": 45, "embedded": 5}
COUNTS = {"tiny": (160, 32), "embedded": (48, 16)}
"""Training and validation examples."""
SETTINGS: dict[str, dict[str, Any]] = {
    "tiny": {"epochs": 3, "batch": 4, "backend": {"local": {"precision": "fp32", "save_minutes": 1e-4}}},
    "embedded": {"epochs": 1, "batch": 8, "backend": {"local": {"save_minutes": 1e-4}}},
}
SHARED: dict[str, Any] = {
    "learning_rate": 5e-4,
    "evaluations": 2,
    "patience": 0,
    "tuner": {"lora": {"dropout": 0.1}},
    "tracker": None,
}


def main() -> None:
    """Kill, go on, compare; what was compared before counts and is not repeated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=2, metavar=("MODEL", "FOLDER"), help="train once (used by itself)")
    child = parser.parse_args().child
    if child:
        _train(child[0], Path(child[1]))
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / "kills.json"
    done: list[dict[str, Any]] = json.loads(kept.read_text()) if kept.exists() else []
    for model, count in KILLS.items():
        whole, seconds = _uninterrupted(model)
        for number in range(sum(one["model"] == model for one in done), count):
            chance = random.Random(f"{model}/{number}")
            while isinstance(killed := _killed(model, chance.uniform(0, seconds), whole), float):
                seconds = killed
            found = {"model": model, "of_seconds": seconds, **killed}
            done.append(found)
            kept.write_text(json.dumps(done, indent=1))
            print(len(done), found, flush=True)
    figures: dict[str, float | int | None] = {
        "kills": len(done),
        "identical": sum(one["identical"] for one in done),
        "inside_a_save": sum(one["inside_a_save"] for one in done),
        "after_the_first_save": sum(one["step"] > 0 for one in done),
        "kills_embedded": sum(one["model"] == "embedded" for one in done),
    }
    record("kill_resume", figures)


def _uninterrupted(model: str) -> tuple[dict[str, Any], float]:
    """What a run leaves that nobody kills, and its seconds."""
    folder = FOLDER / f"{model}-whole"
    shutil.rmtree(folder, ignore_errors=True)
    begin = time.monotonic()
    subprocess.run(_command(model, folder), check=True, env=_variables())
    return _left(folder), time.monotonic() - begin


def _killed(model: str, moment: float, whole: dict[str, Any]) -> dict[str, Any] | float:
    """Kill a run after that many seconds, let another process go on, and compare what it leaves.

    Where the run was over before, the seconds that it took.
    """
    folder = FOLDER / f"{model}-killed"
    shutil.rmtree(folder, ignore_errors=True)
    saves = folder / "out.scratch" / SAVES
    begin = time.monotonic()
    with subprocess.Popen(_command(model, folder), env=_variables()) as child:
        try:
            if child.wait(moment):
                sys.exit(f"the run ended by itself with code {child.returncode}")
            return time.monotonic() - begin
        except subprocess.TimeoutExpired:
            child.kill()
    half = list(saves.glob(".step-*.tmp"))
    steps = [int(place.name.removeprefix("step-")) for place in saves.glob("step-*")]
    subprocess.run(_command(model, folder), check=True, env=_variables())
    return {
        "moment": moment,
        "step": max(steps, default=0),
        "inside_a_save": bool(half),
        "identical": _left(folder) == whole,
    }


def _command(model: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.kill_resume", "--child", model, str(folder)]


def _variables() -> dict[str, str]:
    return environment.child_environment()


def _left(folder: Path) -> dict[str, Any]:
    losses = json.loads((folder / "losses.json").read_text())
    return {"losses": losses, "weights": digest.of_file(folder / "out" / "adapter_model.safetensors")}


def _train(model: str, folder: Path) -> None:
    """One run, by the local backend as the stage starts it."""
    base = _base(model)
    spec = TrainSpec.model_validate({**SHARED, **SETTINGS[model]})
    chat, method = Chat.load(base.path), plugins.make("methods", spec.method)
    asked, count = _questions(), sum(COUNTS[model])
    items = method.render(asked[:count], chat, "Route the question.")
    train, validation = items[: COUNTS[model][0]], items[COUNTS[model][0] :]
    folder.mkdir(parents=True, exist_ok=True)
    context = Context(
        project=folder,
        workspace=Workspace(folder / ".tunewright"),
        settings=Settings(cache=folder / "cache", threads=2, offline=True),
        step="train",
        artifact_id="checkpoint",
        folder=folder / "out",
    )
    work = Work(
        plan=make_plan(spec, 0, base, (train, validation), "loss"),
        weights=base.path,
        base_name="base",
        train=train,
        validation=validation,
        method=method,
        tuner=plugins.make("tuners", spec.tuner),
        chat=chat,
    )
    curve = plugins.make("backends", spec.backend).fit(work, context)
    (folder / "losses.json").write_text(
        json.dumps([curve.losses, [look.model_dump() for look in curve.validation]])
    )


def _base(model: str) -> Checkpoint:
    if model == "tiny":
        folder = FOLDER / "tiny-model"
        return local_checkpoint(folder if folder.exists() else tiny_model(folder))
    found = models.cached(models.show("smollm2-135m-instruct"), environment.read())
    if found is None:
        sys.exit("skipped: `tunewright models fetch smollm2-135m-instruct` first")
    return found


def _questions() -> list[Example]:
    with (need_dataset("banking77") / "train.csv").open(newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    random.Random(0).shuffle(rows)
    return [example(f"q{n}", text, label) for n, (text, label) in enumerate(rows)]


if __name__ == "__main__":
    main()
