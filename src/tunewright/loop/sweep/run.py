"""The line of a sweep: make the data, try, rank, measure the winner on what chose nothing, write it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.core import digest
from tunewright.core.errors import DataError, SpecError, Stopped, TunewrightError, WorkspaceError
from tunewright.core.types import Comparison, Dataset, Event, Example, Metric, Report, Task
from tunewright.loop import jobs
from tunewright.loop.line import WORKSPACE, walk
from tunewright.loop.spec import Spec
from tunewright.loop.sweep import checks
from tunewright.loop.sweep.leaderboard import DEFAULT, Leaderboard, Ruler, notes, rank
from tunewright.loop.sweep.page import page
from tunewright.loop.sweep.settings import TUNED, Settings, changed, of_trial
from tunewright.loop.sweep.study import open_study
from tunewright.loop.sweep.trials import Trials, begin, looks_of
from tunewright.runtime import events, examples, plugins
from tunewright.runtime.events import Emit
from tunewright.runtime.lazy import require
from tunewright.runtime.measure import read_answers
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.plugins import Named
from tunewright.runtime.workspace import Workspace, atomic_write, writable

VERSION = "1"
"""Raised when a change of the product makes the trials of earlier sweeps stale."""


def run(project: Path, spec: Spec, listen: Emit = events.ignore) -> Leaderboard:
    """Try the settings of the spec's section `sweep`, or go on with it; what is over is not done again.

    Raises `SpecError` with every problem, and what makes the spec itself fail.
    """
    problems = [*checks.check_given(spec), *checks.check(spec, project)]
    if any(problem.fatal for problem in problems):
        raise SpecError(problems=[problem for problem in problems if problem.fatal])
    require("optuna", extra="sweep")
    outcome = walk(project, spec, only="data", emit=listen)
    assert outcome.task is not None and outcome.dataset is not None, "the step `data` is over"
    return _swept(project, spec, outcome.task, outcome.dataset, listen)


def _swept(project: Path, spec: Spec, task: Task, dataset: Dataset, listen: Emit) -> Leaderboard:
    ruler = _ruler(spec, task, dataset)
    wanted = _questions(dataset)
    workspace = Workspace(project / WORKSPACE)
    name = identity(spec, dataset)
    folder = workspace.root / "sweeps" / name
    with workspace.lock(name, "this sweep is going on in another process"), writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        higher, looks = ruler.scorer.higher_is_better, sum(map(looks_of, spec.train.rounds))
        study = open_study(folder, spec.sweep, seed=spec.seed, higher_is_better=higher, looks=looks)
        asked = min(len(wanted), spec.sweep.examples or len(wanted))

        def value(report_id: str) -> float:
            return _value(_found(workspace, report_id), ruler, wanted, asked)

        compared = checks.losses_compare(spec)
        Trials(
            project=project,
            spec=spec,
            folder=folder / "trials",
            study=study,
            workspace=workspace,
            value=value,
            by_loss=compared,
            listen=listen,
        ).run()
        tried = study.tried()
        reports = {
            one.number: _found(workspace, one.known["report"]) for one in tried if one.state == "complete"
        }
        board = Leaderboard(
            id=name,
            folder=folder,
            objective=ruler.metric,
            higher_is_better=higher,
            questions=asked,
            rows=rank(tried, reports, wanted, ruler),
        )
        board = _tested(project, spec, dataset, ruler, board, listen)
        board = board.model_copy(update={"notes": tuple(notes(board, ruler.confidence))})
        _write(board, changed(spec, board.best.settings))
    return board


def identity(spec: Spec, dataset: Dataset) -> str:
    """`sweep-<digest>`: more trials, more workers or another pruning go on with the same one."""
    left_out: Any = {"name": True, "deploy": True, "iterate": True, "sweep": {"trials", "workers", "pruning"}}
    parts = [VERSION, plugins.versions(), spec.model_dump(mode="json", exclude=left_out), dataset.digest]
    return f"sweep-{digest.of_value(parts)[:16]}"


def _ruler(spec: Spec, task: Task, dataset: Dataset) -> Ruler:
    """The objective with its options in the spec; raises `SpecError` if the data has not what it needs."""
    known = plugins.names("scorers")
    name = spec.sweep.objective or next(one for one in task.metrics if one in known)
    own = {one.name: one for one in spec.evaluate.scorers}
    scorer: Scorer = plugins.make("scorers", own.get(name, Named(name=name)))
    if scorer.needs_labels and not dataset.labels:
        raise SpecError(
            f"`{name}` needs labels, and the dataset has none",
            where="sweep.objective",
            fix="take `exact` or `token_f1`",
        )
    return Ruler(name, scorer.for_labels(dataset.labels), spec.evaluate.confidence, spec.seed)


def _questions(dataset: Dataset) -> dict[str, Example]:
    """The validation examples by id; raises `DataError` if there are none."""
    found = examples.read(dataset, "validation") if dataset.counts.get("validation") else []
    if not found:
        raise DataError(
            "there is no validation example to compare trials by",
            where=dataset.id,
            fix="give the data set such a part: `data.split.validation`, or files in `data.validation`",
        )
    return {one.id: one for one in found}


def _value(report: Report, ruler: Ruler, wanted: Mapping[str, Example], asked: int) -> float:
    """The objective of a trial; raises `TunewrightError` if it was asked other questions than the others."""
    answered = {one.example for one in read_answers(report, TUNED)}
    if len(answered) != asked or not answered <= wanted.keys():
        raise TunewrightError(
            "its settings change which examples validate: it cannot be compared", where=report.id
        )
    return _metric(report, ruler).value


def _metric(report: Report, ruler: Ruler) -> Metric:
    found = report.results[0].metric(ruler.metric)
    assert found is not None, "the objective is among the scorers of every trial"
    return found


def _found(workspace: Workspace, report_id: str) -> Report:
    found = workspace.find(report_id, Report)
    if found is None:
        raise WorkspaceError(
            "the report of a trial is gone",
            where=report_id,
            fix="delete the folder `sweeps` of the workspace",
        )
    return found


def _tested(
    project: Path, spec: Spec, dataset: Dataset, ruler: Ruler, board: Leaderboard, listen: Emit
) -> Leaderboard:
    """With the winner and the spec as it is on the test part, which chose nothing."""
    best = board.best
    every: list[tuple[str, Settings]] = [("spec", {})]
    if best.settings:
        every.append((f"{best.trial:04d}", best.settings))
    reports = [
        _measured(board.folder / "test" / name, project, of_trial(spec, settings, "test"), listen)
        for name, settings in every
    ]
    test = tuple(_metric(report, ruler) for report in (reports[0], reports[-1]))
    gain = _gain(reports, dataset, ruler, best.name) if len(reports) > 1 else None
    return board.model_copy(update={"test": test, "gain": gain})


def _gain(reports: Sequence[Report], dataset: Dataset, ruler: Ruler, name: str) -> Comparison:
    held_out = {one.id: one for one in examples.read(dataset, "test")}
    before, after = (ruler.scores(report, held_out) for report in reports)
    return ruler.apart((name, DEFAULT), after, before)


def _measured(folder: Path, project: Path, spec: Spec, listen: Emit) -> Report:
    """The report of a spec on the test part; its checkpoint is there already."""
    made = begin(folder, project, spec, "test", {})
    last: Event | None = None
    for last in jobs.follow(made):
        if last.kind == "progress":
            listen(last.model_copy(update={"step": "test"}))
    assert last is not None, "a run has a last event"
    if last.kind != "finished":
        raise (Stopped if last.kind == "stopped" else TunewrightError)(problems=jobs.problems_of(last))
    return _found(Workspace(project / WORKSPACE), last.data["report"])


def _write(board: Leaderboard, winner: Spec) -> None:
    atomic_write(
        board.folder / "leaderboard.json", board.model_dump_json(indent=1, exclude={"folder"}).encode()
    )
    atomic_write(board.folder / "leaderboard.html", page(board).encode())
    atomic_write(board.winner, winner.to_yaml().encode())
