"""A project: one folder, one spec, and everything that can be done with them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from tunewright import data
from tunewright.core.errors import SpecError, Stopped, TunewrightError, WorkspaceError
from tunewright.core.types import Artifact, Problem, Split
from tunewright.data import Cluster, Diagnosis, Preview, Synthesis, SynthesisSpec, Transformed
from tunewright.data.curve import MORE, LearningCurve
from tunewright.data.synthetic import Kind
from tunewright.deploy import registry
from tunewright.deploy.answer import AnswerSpec, answer_file
from tunewright.deploy.chat import Conversation
from tunewright.deploy.keys import Keychain
from tunewright.deploy.registry import Registry
from tunewright.deploy.respond import Specialist, open_specialist
from tunewright.loop import advising, checks, curve, jobs, looking, new, planning, serving
from tunewright.loop.advising import Advice
from tunewright.loop.compare import Row, compare, pick
from tunewright.loop.datasets import Datasets
from tunewright.loop.erase import Erasure, erase
from tunewright.loop.jobs import Run
from tunewright.loop.labelling import Labelling
from tunewright.loop.line import WORKSPACE, Outcome, StepName
from tunewright.loop.lineage import Lineage, lineage, nodes
from tunewright.loop.planning import Planned
from tunewright.loop.serving import Served
from tunewright.loop.spec import FILE, Spec, read_values
from tunewright.loop.sweep import checks as sweep_checks
from tunewright.loop.sweep import run as sweep_run
from tunewright.loop.sweep.leaderboard import Leaderboard
from tunewright.loop.synthesis import synthesise
from tunewright.runtime import events, plugins, settings
from tunewright.runtime.events import Emit
from tunewright.runtime.workspace import Workspace

A = TypeVar("A", bound=Artifact)


@dataclass(frozen=True)
class Project:
    """A folder with a spec. `Project.open(".").run()` walks the whole line."""

    folder: Path
    spec: Spec
    overrides: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: str | Path = ".", *, settings: tuple[str, ...] = ()) -> Project:
        """Read the project's spec; raises `SpecError` with every problem at once."""
        place = Path(folder).resolve()
        values = read_values(place / FILE)
        try:
            spec = Spec.parse(values)
        except SpecError as error:
            others = checks.check(Spec.sections(values), place)
            tried = sweep_checks.check_values(values, place)
            raise SpecError(problems=(*error.problems, *others, *tried)) from None
        return cls(place, spec.with_overrides(*settings), settings)

    @classmethod
    def new(cls, folder: str | Path, *, starter: str) -> Project:
        """Make a project from a starter such as `ticket-routing`; raises `SpecError`."""
        new.from_starter(Path(folder), starter)
        return cls.open(folder)

    @property
    def workspace(self) -> Workspace:
        """Where the project keeps what it made."""
        return Workspace(self.folder / WORKSPACE)

    @property
    def data(self) -> Datasets:
        """The data sets of the project: make one, list them, compare two."""
        return Datasets(self)

    @property
    def label(self) -> Labelling:
        """Labelling by people: `label.add(source)`, `label.start("ana")`, `label.export(file)`."""
        return Labelling(self.folder, self.spec, self.workspace, self.outcome)

    def check(self) -> tuple[Problem, ...]:
        """Everything that can be known to be wrong before anything is spent."""
        found = (*self._refused(), *sweep_checks.check(self.spec, self.folder))
        return tuple(checks.at_hand(found, self.spec, self.folder, self.outcome()))

    def _refused(self) -> tuple[Problem, ...]:
        """What is wrong with the spec, whatever data there is."""
        return tuple(checks.check(dict(self.spec), self.folder))

    def run(
        self, *, only: StepName | None = None, again: bool = False, listen: Emit = events.ignore
    ) -> Outcome:
        """Walk the line in a child process and return what it made; `listen` is told every event."""
        return self.wait(self.start(only=only, again=again), listen=listen)

    def start(self, *, only: StepName | None = None, again: bool = False) -> Run:
        """Start a run that goes on whatever happens to this process."""
        fatal = tuple(problem for problem in self._refused() if problem.fatal)
        if fatal:
            raise TunewrightError(problems=fatal)
        since = time.time() if again else 0.0
        return jobs.start(self.folder, only=only, since=since, settings=self.overrides)

    def wait(self, run: Run, *, listen: Emit = events.ignore) -> Outcome:
        """Follow a run to its end; raises what ended it, `Stopped` included."""
        for event in jobs.follow(run):
            listen(event)
            if event.step == jobs.END and event.kind in ("failed", "stopped"):
                raise (Stopped if event.kind == "stopped" else TunewrightError)(
                    problems=jobs.problems_of(event)
                )
        return self.outcome(run)

    def erase(self, *values: str) -> Erasure:
        """Take the examples of one person, found by value or group, out of every data set.

        Returns what was taken out, and the checkpoints and releases that saw it. Raises `SpecError`, and
        `WorkspaceError` while a run is going on.
        """
        if jobs.at_work(self.folder):
            raise WorkspaceError(
                "a run is going on and could write what is being erased",
                where=str(self.folder),
                fix="`tunewright stop`, then erase",
            )
        return erase(self.folder, self.workspace, self.spec.data, values)

    def stop(self) -> Run:
        """Ask the run that is going on to stop; what is finished is kept."""
        run = jobs.current(self.folder)
        if jobs.status(run) != "running":
            raise WorkspaceError(
                f"no run is going on; the newest is {jobs.status(run)}",
                where=run.id,
                fix="`tunewright resume` goes on with it, `tunewright run` starts one",
            )
        jobs.stop(run)
        return run

    def resume(self, *, listen: Emit = events.ignore) -> Outcome:
        """Go on with the newest run, or follow it if it is still running."""
        last = jobs.current(self.folder)
        if jobs.status(last) != "running":
            last = jobs.start(self.folder, only=last.only, since=last.since, settings=last.settings)
        return self.wait(last, listen=listen)

    def outcome(self, run: Run | None = None) -> Outcome:
        """What a run made; without one, what stands now: the newest run and those that agree with it."""
        made: dict[str, str] = {}
        for earlier in [run] if run else reversed(jobs.every(self.folder)):
            found = jobs.made_by(earlier)
            if all(made.get(name, artifact) == artifact for name, artifact in found.items()):
                made = {**found, **made}
        kinds = {name: get_args(field.annotation)[0] for name, field in Outcome.model_fields.items()}
        loaded = {name: self._load(artifact, kinds[name]) for name, artifact in made.items()}
        return Outcome.model_validate(loaded)

    def show(self, what: str = "report") -> Artifact:
        """The newest artifact of that name, such as `report`, `dataset`, `checkpoint` or `release`."""
        known = tuple(Outcome.model_fields)
        if what not in known:
            raise SpecError(problems=[plugins.unknown(what, known, where="show", noun="thing")])
        outcome = self.outcome()
        found = outcome.artifacts().get(what) or (outcome.baselines if what == "report" else None)
        if found is None:
            word, by = ("data set", "data") if what == "dataset" else (what, "run")
            raise WorkspaceError(
                f"there is no {word} yet", where=str(self.folder), fix=f"`tunewright {by}` makes it"
            )
        return found

    def preview(self, number: int = 0, split: Split = "train") -> Preview:
        """Tokens of an example of a split as a model is trained on such, with the loss mask."""
        return looking.preview(self.folder, self.spec, self.outcome(), number, split)

    def diagnosis(self) -> Diagnosis:
        """What the doctor found in the newest data set, the worst first."""
        dataset = self.show("dataset")
        return data.read_diagnosis(dataset.path)

    def changes(self) -> tuple[Transformed, ...]:
        """What each transform did to the newest data set, with samples before and after."""
        return data.changes_of(self.show("dataset").path)

    def duplicates(self) -> tuple[Cluster, ...]:
        """Examples of the newest data set that are alike, and which of them were removed."""
        return data.clusters_of(self.show("dataset").path)

    def lineage(self, artifact_id: str | None = None) -> Lineage:
        """What an artifact was made from and what was made from it; without an id, of the newest."""
        newest = next(iter(nodes(self.workspace)), None)
        if newest is None:
            raise WorkspaceError(
                "there is no artifact yet", where=str(self.folder), fix="`tunewright run` makes them"
            )
        return lineage(self.workspace, artifact_id or newest)

    def synthesise(self, kind: Kind, *, listen: Emit = events.ignore, **order: Any) -> Synthesis:  # noqa: ANN401
        """Make examples with a teacher, or by rule, into a file to look at; fields of `SynthesisSpec`.

        The newest data set says what is known and what must not be copied. Raises every problem at once.
        """
        asked = SynthesisSpec.parse({"kind": kind, "seed": self.spec.seed, **order})
        dataset = self.outcome().dataset
        return synthesise(self.folder, self.workspace, self.spec, dataset, asked, listen)

    def curve(self, *, more: int = MORE, train: bool = False, listen: Emit = events.ignore) -> LearningCurve:
        """What `more` examples would be worth, with an interval: by a cheap learner, or by real training."""
        how = curve.by_training if train else curve.by_labels
        return how(self.folder, self.spec, self.outcome(), more, listen)

    def sweep(self, *, listen: Emit = events.ignore) -> Leaderboard:
        """Try the settings of the section `sweep` and rank them, or go on; raises `SpecError` at once."""
        return sweep_run.run(self.folder, self.spec, listen)

    def plan(self, **ask: Any) -> tuple[Planned, ...]:  # noqa: ANN401
        """Memory, time and money of training, here or on named devices; fields of `planning.Ask`."""
        return planning.plan(self.folder, self.spec, self.outcome(), planning.Ask(**ask))

    def advise(self, **wish: Any) -> Advice:  # noqa: ANN401
        """Base model, tuner, method and settings, with the reasons; fields of `advising.Wish`."""
        return advising.advise(self.folder, self.spec, self.outcome(), advising.Wish(**wish))

    def compare(self, first: str | None = None, second: str | None = None) -> tuple[Row, ...]:
        """Two reports metric by metric: by id, else the two newest of the project."""
        made = (jobs.made_by(run).get("report") for run in reversed(jobs.every(self.folder)))
        newest = tuple(dict.fromkeys(found for found in made if found is not None))
        return compare(*pick(self.workspace, (first, second), newest))

    def specialist(self) -> Specialist:
        """The release to serve (or the newest checkpoint), open on its engine."""
        release = registry.current(self.workspace)
        made = release or self.outcome().checkpoint
        if made is None:
            raise WorkspaceError(
                "there is nothing to serve yet", where=str(self.folder), fix="`tunewright run` makes it"
            )
        engine = serving.engine_of(self.spec, release)
        return open_specialist(made, settings.read(), engine=engine, name=self.spec.name)

    def releases(self) -> Registry:
        """Every release with its state, the newest last."""
        return registry.read(self.workspace)

    def promote(self, release_id: str) -> Registry:
        """Make a release the champion, which is served from then on; raises `DeployError`."""
        return registry.promote(self.workspace, release_id)

    def rollback(self) -> Registry:
        """Make the champion of before the champion again; raises `DeployError` where there is none."""
        return registry.rollback(self.workspace)

    @property
    def keys(self) -> Keychain:
        """API keys of its server: `create`, `list`, `revoke`."""
        return Keychain(self.workspace)

    def chat(self) -> Conversation:
        """A conversation with the specialist."""
        return Conversation(self.specialist())

    def answer(
        self,
        file: str | Path,
        output: str | Path | None = None,
        *,
        column: str | None = None,
        listen: Emit = events.ignore,
    ) -> Path:
        """Answer every question of a CSV or JSONL file; returns the file that was written."""
        source = Path(file)
        target = Path(output) if output else source.with_name(f"{source.stem}.answers{source.suffix}")

        def told(done: int, total: int) -> None:
            listen(events.event("progress", "answer", done=done, total=total))

        return answer_file(self.specialist(), source, target, AnswerSpec(column=column), told=told).path

    def serve(self, *, host: str = "127.0.0.1", port: int = 8000) -> Served:
        """Serve the specialist from a child process; close it, or use it in a `with` block."""
        return serving.start(self.folder, host=host, port=port)

    def _load(self, artifact_id: str, kind: type[A]) -> A:
        found = self.workspace.find(artifact_id, kind)
        if found is None:
            raise WorkspaceError(
                "this artifact is gone", where=artifact_id, fix="`tunewright run` makes it again"
            )
        return found
