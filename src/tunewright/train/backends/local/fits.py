"""Whether a run fits this machine, and how much is computed at once; said before anything is loaded."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tunewright.core.errors import TrainError, TunewrightError
from tunewright.runtime import prices
from tunewright.runtime.context import Context
from tunewright.runtime.models import CONFIG, stored
from tunewright.runtime.models.files import weight_files
from tunewright.train.estimate import Forecast
from tunewright.train.ports import Work
from tunewright.train.torch.forecast import TOKENS, Job, forecast, place_here

if TYPE_CHECKING:
    from tunewright.train.backends.local import Local

SMALL = 50e6
"""Bytes of a model that always fits: nothing is planned for it."""
UNSURE = 1.15
"""How much more than there is may be planned before a run is refused: the plan may be off by that."""


@dataclass(frozen=True)
class Planned:
    """How a run is to be computed, and what it is thought to need; 0 where nothing was thought."""

    tokens: int
    memory_gb: float = 0.0
    seconds: float = 0.0


def fitting(backend: Local, work: Work, context: Context) -> Planned:
    """The plan of a run, told; raises `TrainError` for one that this machine has not the memory for."""
    asked = None if backend.tokens == "auto" else backend.tokens
    usual = asked or TOKENS["gpu" if torch.cuda.is_available() else "cpu"]
    if _bytes(work.weights) < SMALL:
        return Planned(usual)
    place = place_here(
        context.settings, prices.read(), precision=backend.precision, memory_gb=backend.memory_gb
    )
    try:
        found = forecast(_job(work), place, asked)
    except TunewrightError:
        raise
    except Exception as error:  # noqa: BLE001 - what cannot be rehearsed may train all the same
        context.tell("note", f"memory and time could not be planned: {type(error).__name__}: {error}")
        return Planned(usual)
    memory = found.memory_bytes / 1e9
    context.tell(
        "note",
        f"planned: {memory:.1f} of {place.memory_bytes / 1e9:.1f} GB, {found.seconds_low / 60:.1f} to "
        f"{found.seconds_high / 60:.1f} minutes, {found.tokens} tokens at once",
    )
    if not found.fits:
        _tight(found, place.memory_bytes, asked, context)
    return Planned(found.tokens, memory, found.seconds)


def _tight(found: Forecast, most: int, asked: int | None, context: Context) -> None:
    needed = f"this run needs about {found.memory_bytes / 1e9:.1f} GB, and there are {most / 1e9:.1f}"
    if found.memory_bytes > UNSURE * most:
        raise TrainError(
            needed,
            where="train",
            fix=(f"lower `train.backend.local.tokens` from {asked}, " if asked else "")
            + "close other programs, lower `train.max_tokens`, or take a smaller model or tuner; "
            "`tunewright plan` compares them",
        )
    context.tell("warning", f"{needed}: it may not suffice")


def _job(work: Work) -> Job:
    plan = work.plan
    return Job(
        config=json.loads((work.weights / CONFIG).read_bytes()),
        stored=stored(work.weights),
        tuner=work.tuner,
        method=work.method,
        train=work.train,
        validation=work.validation,
        probes=[] if work.method.rates else [text for texts in work.probes.values() for text in texts],
        batch=plan.batch,
        steps=plan.steps,
        looks=1 + math.ceil(plan.steps / plan.evaluate_every),
        seed=plan.seed,
        beside=sum(map(_bytes, [*([work.teacher] if work.teacher else []), *(work.rater or ())[:1]])),
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in weight_files(folder))
