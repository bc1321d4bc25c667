"""Trials side by side, each in a process of its own: started, listened to, pruned, told to the study."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Event, Problem, Split
from tunewright.loop import jobs
from tunewright.loop.jobs import Run
from tunewright.loop.spec import Spec
from tunewright.loop.sweep.leaderboard import DEFAULT
from tunewright.loop.sweep.settings import of_trial, text_of
from tunewright.loop.sweep.study import Study, Tried
from tunewright.loop.sweep.trial import MODULE, SPEC
from tunewright.runtime import events, hardware, settings
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace, writable
from tunewright.train import TrainSpec

_LOOK_EVERY = 0.2
_PATIENCE = 120.0
"""Seconds that a trial is given to save what it has, once it is asked to stop."""

Value = Callable[[str], float]
"""The objective of a trial by the id of its report; raises `TunewrightError` if it cannot be compared."""


@dataclass(kw_only=True)
class Going:
    """A trial whose process is at work, and what was heard of it."""

    tried: Tried
    run: Run
    looks: tuple[int, ...]
    """Looks at the validation loss in each round of its training, as planned."""
    began: float
    offset: int = 0
    round: int = -1
    making: str = ""
    """Id of the artifact it is at."""
    pruned_at: int = 0
    """Look at which it was asked to stop for good; 0 if it was not."""


@dataclass(kw_only=True)
class Trials:
    """All trials of a sweep, so many at a time."""

    project: Path
    spec: Spec
    folder: Path
    study: Study
    workspace: Workspace
    value: Value
    by_loss: bool
    """Whether trials are pruned by their validation loss; if not, by the share of exact answers."""
    listen: Emit
    going: list[Going] = field(default_factory=list)
    share: dict[str, str] = field(default_factory=dict)
    """What of threads and memory each may use, as its environment says it."""
    seconds: list[float] = field(default_factory=list)
    """Of the trials that came to their end."""

    def run(self) -> None:
        """Try everything; raises what made the spec itself fail. Whatever ends it, the trials save first."""
        try:
            self.share = share(self.spec.sweep.workers)
            self._run()
        except BaseException:
            self._stop()
            raise

    def _run(self) -> None:
        for left in self.study.running():
            self._start(left)
        while True:
            while len(self.going) < self.spec.sweep.workers and (more := self.study.ask()) is not None:
                self._start(more)
            if not self.going:
                return
            for one in tuple(self.going):
                self._hear(one)
            time.sleep(_LOOK_EVERY)

    def _start(self, tried: Tried) -> None:
        spec = of_trial(self.spec, tried.settings, "validation")
        run = begin(self.folder / f"{tried.number:04d}", self.project, spec, "validation", self.share)
        looks = tuple(map(looks_of, spec.train.rounds))
        self.going.append(Going(tried=tried, run=run, looks=looks, began=time.monotonic() - jobs.age(run)))

    def _hear(self, one: Going) -> None:
        there = jobs.alive(one.run)
        for event, behind in events.read_from(one.run.events, one.offset):
            one.offset = behind
            if event.step == jobs.END and event.kind in jobs.LAST:
                self._over(one, event)
                return
            self._heard(one, event)
        if not there:
            death = jobs.death(one.run)
            self._over(one, events.event("failed", jobs.END, problems=[death.model_dump()]))

    def _heard(self, one: Going, event: Event) -> None:
        if event.kind in ("started", "reused"):
            one.making = str(event.data.get("artifact", ""))
            one.round += event.step == "train"
        elif event.kind == "metric" and event.step == "train":
            self._looked(one, event)
        elif event.kind == "progress":
            done, total = event.data.get("done", 0), event.data.get("total", 0)
            what = "asking validation questions" if event.step == "measure" else event.message or event.step
            self._tell(f"trial {one.tried.number} {what} {done}/{total}")

    def _looked(self, one: Going, event: Event) -> None:
        """Prune the trial where the study says so; the look before training and the last decide nothing.

        The spec as it is goes to its end in any case: it is what the winner is compared with.
        """
        done, total = event.data["done"], event.data["total"]
        if not 0 < done < total or one.pruned_at:
            return
        look = sum(one.looks[: one.round]) + round(done / total * one.looks[one.round])
        loss = event.data["validation_loss"] if self.by_loss else 1 - event.data["validation_exact"]
        if self.study.prune(one.tried.number, look, loss) and one.tried.settings:
            one.pruned_at = look
            jobs.stop(one.run)

    def _over(self, one: Going, event: Event) -> None:
        self.going.remove(one)
        seconds, number = time.monotonic() - one.began, one.tried.number
        self.seconds.append(seconds)
        took = f"{seconds:.1f}"
        if event.kind == "stopped" and one.pruned_at:
            where = f"at look {one.pruned_at} of {sum(one.looks)}"
            self.study.tell(number, "pruned", problem=where, seconds=took)
            for name in (one.making, f"{one.making}.scratch"):
                shutil.rmtree(self.workspace.partial / name, ignore_errors=True)
            self._note(one, f"pruned {where}")
        elif event.kind == "finished":
            self._complete(one, event, took)
        else:
            self._failed(one, jobs.problems_of(event), took)

    def _complete(self, one: Going, event: Event, took: str) -> None:
        try:
            value = self.value(event.data["report"])
        except TunewrightError as error:
            self._failed(one, list(error.problems), took)
            return
        made = {name: event.data[name] for name in ("report", "checkpoint")}
        self.study.tell(one.tried.number, "complete", value, seconds=took, **made)
        self._note(one, f"{value:.4f}")

    def _failed(self, one: Going, problems: list[Problem], took: str) -> None:
        said = "; ".join(f"{problem.what} ({problem.where})" for problem in problems)
        self.study.tell(one.tried.number, "failed", problem=said, seconds=took)
        if not one.tried.settings:
            raise TunewrightError(problems=problems)
        self._note(one, f"failed: {said}")

    def _note(self, one: Going, what: str) -> None:
        named = ", ".join(f"{path}={text_of(value)}" for path, value in one.tried.settings.items())
        message = f"trial {one.tried.number}: {what} with {named or DEFAULT}"
        self.listen(events.event("note", "sweep", message))
        self._tell()

    def _tell(self, message: str = "") -> None:
        """How far the sweep is; the time left is told once a trial has shown how long one takes."""
        total = self.study.total
        done = sum(one.state != "running" for one in self.study.tried())
        left = {}
        if self.seconds:
            left = {"seconds_left": fmean(self.seconds) * (total - done) / self.spec.sweep.workers}
        self.listen(events.event("progress", "sweep", message, done=done, total=total, **left))

    def _stop(self) -> None:
        for one in self.going:
            jobs.stop(one.run)
        end = time.monotonic() + _PATIENCE
        while any(jobs.alive(one.run) for one in self.going) and time.monotonic() < end:
            time.sleep(_LOOK_EVERY)


def begin(folder: Path, project: Path, spec: Spec, split: Split, more: dict[str, str]) -> Run:
    """The process that measures this spec on a split: one that is at work or done, else a new one."""
    text = spec.to_yaml()
    if (folder / "run.json").exists() and (folder / SPEC).read_text(encoding="utf-8") == text:
        run = jobs.read(folder)
        if jobs.status(run) in ("running", "finished") and not jobs.asked_to_stop(run):
            return run
    with writable(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / SPEC).write_text(text, encoding="utf-8")
        run = Run(id=folder.name, folder=folder)
        return jobs.spawn(run, MODULE, str(project.resolve()), str(folder.resolve()), split, more=more)


def share(workers: int) -> dict[str, str]:
    """What to add to the environment of each of so many trials at a time: its threads and memory."""
    if workers == 1:
        return {}
    how = settings.read()
    most = how.memory_gb or hardware.memory()[1] * (1 - hardware.SPARED) / 1e9
    return settings.sharing(max(1, how.threads // workers), most / workers)


def looks_of(train: TrainSpec) -> int:
    """Looks at the validation loss that a round of training plans, the one before it aside."""
    return max(1, math.ceil(train.epochs * train.evaluations))
