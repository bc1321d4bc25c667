"""A run in a child process that outlives any face: start, follow, stop, resume.

A run is a folder below `runs/`: `run.json` (what was asked), `events.jsonl` (what happened),
`log.txt` (what libraries printed), and the file `stop` once somebody asked it to end.
"""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Literal

import psutil

from tunewright.core.errors import Stopped, TunewrightError, WorkspaceError
from tunewright.core.types import Event, Finding, Frozen, Problem
from tunewright.loop.line import MAKES, WORKSPACE, StepName, walk
from tunewright.loop.spec import FILE, Spec
from tunewright.runtime import events
from tunewright.runtime import settings as environment
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace, atomic_write, writable

Status = Literal["running", "finished", "failed", "stopped", "died"]
LAST = {"finished": "finished", "failed": "failed", "stopped": "stopped"}
END = "run"
"""Step name of the event that ends a run."""
_LOOK_EVERY = 0.2
_JITTER = 3.0
"""Seconds by which the moment that the machine began differs from look to look."""


class Run(Frozen):
    """One run: what was asked, and where it keeps its files."""

    id: str
    folder: Path
    only: StepName | None = None
    since: float = 0.0
    """What was made before this moment is made anew; 0 for what is still good."""
    settings: tuple[str, ...] = ()
    """Overrides of the spec, `path=value`."""
    pid: int = 0
    born: float = 0.0
    """Seconds from the machine to the process, so that a reused id is not mistaken for it."""

    @property
    def events(self) -> Path:
        """What happened, a line each."""
        return self.folder / "events.jsonl"


def start(
    project: Path, *, only: StepName | None = None, since: float = 0.0, settings: tuple[str, ...] = ()
) -> Run:
    """Start a run in a process of its own and return at once."""
    runs = Workspace(project / WORKSPACE).runs
    with writable(runs):
        name = _new_id(runs)
        run = Run(id=name, folder=runs / name, only=only, since=since, settings=settings)
        run.folder.mkdir(parents=True)
        return spawn(run, "tunewright.loop.jobs", str(project.resolve()), name)


def spawn(run: Run, module: str, *arguments: str, more: Mapping[str, str] | None = None) -> Run:
    """Start a run as `python -m MODULE ARGUMENTS`, with `more` in its environment; its folder is there."""
    with (run.folder / "log.txt").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**environment.child_environment(), **(more or {})},
            start_new_session=True,
        )
    run = run.model_copy(update={"pid": child.pid, "born": _born(psutil.Process(child.pid))})
    atomic_write(run.folder / "run.json", run.model_dump_json(exclude={"folder"}).encode())
    return run


def every(project: Path) -> list[Run]:
    """All runs of a project, oldest first."""
    paths = sorted((project / WORKSPACE / "runs").glob("*/run.json"))
    return [read(path.parent) for path in paths]


def at_work(project: Path) -> bool:
    """Whether a process makes artifacts of the project right now: a run, or a trial of a sweep."""
    found = (project / WORKSPACE).glob("sweeps/*/*/*/run.json")
    return any(status(run) == "running" for run in (*every(project), *(read(one.parent) for one in found)))


def read(folder: Path) -> Run:
    """The run whose files lie in that folder."""
    return Run.model_validate({**json.loads((folder / "run.json").read_bytes()), "folder": folder})


def latest(project: Path) -> Run:
    """The newest run; raises `WorkspaceError` if there is none."""
    runs = every(project)
    if not runs:
        raise WorkspaceError(
            "this project has no run yet", where=str(project), fix="start one with `tunewright run`"
        )
    return runs[-1]


def current(project: Path) -> Run:
    """The run that is going on, else the newest one; raises `WorkspaceError` if there is none."""
    last = latest(project)
    going = (run for run in reversed(every(project)) if status(run) == "running")
    return next(going, last)


def status(run: Run) -> Status:
    """What became of the run; `died` when its process is gone without a last word."""
    for event, _ in events.read_from(run.events):
        if event.step == END and event.kind in LAST:
            return LAST[event.kind]  # type: ignore[return-value]
    return "running" if alive(run) else "died"


def follow(run: Run) -> Iterator[Event]:
    """Every event of the run, from the first on, until it ends."""
    offset = 0
    while True:
        there = alive(run)
        for event, behind in events.read_from(run.events, offset):
            offset = behind
            yield event
            if event.step == END and event.kind in LAST:
                return
        if not there:
            yield events.event("failed", END, problems=[death(run).model_dump()])
            return
        time.sleep(_LOOK_EVERY)


def stop(run: Run) -> None:
    """Ask the run to stop; it keeps what is finished and ends at the next step of its work."""
    (run.folder / "stop").touch()


def problems_of(event: Event) -> list[Problem]:
    """What ended a run, as its last event has it; of a finding what every finding has."""
    kinds = [(Finding if "kind" in item else Problem, item) for item in event.data.get("problems", ())]
    return [
        kind(**{name: item[name] for name in kind.model_fields.keys() & item.keys()}) for kind, item in kinds
    ]


def made_by(run: Run) -> dict[str, str]:
    """Ids of the artifacts that the run made or found, by field of the outcome."""
    return {
        MAKES[event.step]: event.data["artifact"]
        for event, _ in events.read_from(run.events)
        if event.step in MAKES and event.kind in ("finished", "reused")
    }


def alive(run: Run) -> bool:
    """Whether the run's process is there."""
    try:
        process = psutil.Process(run.pid)
        return abs(_born(process) - run.born) < _JITTER and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def age(run: Run) -> float:
    """Seconds since the process of a run began."""
    return max(0.0, time.time() - psutil.boot_time() - run.born)


def _born(process: psutil.Process) -> float:
    """When a process began, in seconds since the machine did: a clock that is set moves both."""
    since = psutil.boot_time()
    return float(process.create_time() - since)


def death(run: Run) -> Problem:
    """What is known of a run whose process is gone without a last word."""
    log = (run.folder / "log.txt").read_text(encoding="utf-8", errors="replace").strip()
    said = log.splitlines()[-1] if log else "it said nothing; out of memory is the usual cause"
    return Problem(
        where=str(run.folder / "log.txt"),
        what=f"the process of the run is gone ({said})",
        fix="`tunewright resume` goes on; if memory was short, run it with "
        '`--set "train.backend={local: {tokens: 1024}}"`: less is computed at once',
    )


def _new_id(runs: Path) -> str:
    """A name by the clock that stands behind those of all runs, even if the clock was set back."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S-%f")[:-3]
    last = max((path.name for path in runs.glob("*")), default="")
    return stamp if stamp > last else f"{last}x"


def _wait_for(path: Path) -> None:
    """The parent writes `run.json` once it knows the process id."""
    for _ in range(100):
        if path.exists():
            return
        time.sleep(0.05)
    raise WorkspaceError("the run was never written", where=str(path), fix="start it again")


def child(folder: Path, work: Callable[[Run, Emit], dict[str, str]]) -> int:
    """Do a run's work in this process, telling everything to `events.jsonl`; returns the exit code.

    What `work` returns stands in the last event.
    """
    emit = events.write_to(folder / "events.jsonl")
    signal.signal(signal.SIGTERM, lambda number, frame: _asked(folder, number, frame))
    try:
        _wait_for(folder / "run.json")
        made = work(read(folder), emit)
    except Stopped as stopped:
        emit(events.event("stopped", END, problems=_dumped(stopped)))
        return 0
    except TunewrightError as error:
        emit(events.event("failed", END, problems=_dumped(error)))
        return 2
    emit(events.event("finished", END, **made))
    return 0


def asked_to_stop(run: Run) -> bool:
    """Whether somebody asked the run to stop."""
    return (run.folder / "stop").exists()


def _walked(project: Path, run: Run, emit: Emit) -> dict[str, str]:
    spec = Spec.read(project / FILE).with_overrides(*run.settings)
    emit(events.event("started", END, spec.name))
    stop = partial(asked_to_stop, run)
    walk(project, spec, only=run.only, since=run.since, emit=emit, should_stop=stop)
    return {}


def _asked(folder: Path, number: int, frame: FrameType | None) -> None:
    del number, frame
    (folder / "stop").touch()


def _dumped(error: TunewrightError) -> list[dict[str, object]]:
    return [problem.model_dump() for problem in error.problems]


if __name__ == "__main__":
    _PROJECT = Path(sys.argv[1])
    sys.exit(child(_PROJECT / WORKSPACE / "runs" / sys.argv[2], partial(_walked, _PROJECT)))
