"""Labelling in a project: `Project.label`, one method a command."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from tunewright.core.errors import SpecError
from tunewright.core.types import Candidate, Checkpoint, Dataset
from tunewright.data import DataSpec, labelling
from tunewright.data.labelling import (
    Added,
    Adjudication,
    Concord,
    Exported,
    Guide,
    Order,
    Scale,
    Session,
    Status,
)
from tunewright.data.labelling.guide import FILE, LABEL, TEXT
from tunewright.data.labelling.rank import CLASSICAL, Ranking
from tunewright.data.question import question as asked_by
from tunewright.data.spec import Columns, Shape
from tunewright.define import DefineSpec
from tunewright.loop.line import Outcome
from tunewright.loop.spec import Spec
from tunewright.runtime import events, examples, models, plugins
from tunewright.runtime import settings as environment
from tunewright.runtime.context import Context
from tunewright.runtime.events import Emit
from tunewright.runtime.measure.answer import Respondent
from tunewright.runtime.plugins import Named
from tunewright.runtime.queue import Item, Queue, open_queue
from tunewright.runtime.workspace import Workspace

STORE = "labels.sqlite"
"""File of the workspace that holds what people said."""
_EXAMPLES = 3
"""Examples of each label that a new guide begins with."""
_CHOOSE = "Answer with one of these labels and nothing else:\n{labels}"


@dataclass(frozen=True)
class Labelling:
    """The labelling of a project. `with project.label.start("ana") as session: ...` labels."""

    folder: Path
    spec: Spec
    workspace: Workspace
    made: Callable[[], Outcome]
    """What the project has made so far."""

    @property
    def question(self) -> str:
        """`label` for a classification task, `text` where answers are written."""
        return LABEL if self.spec.define.task == "classification" else TEXT

    @property
    def guide_file(self) -> Path:
        """Where the guide is."""
        return self.folder / FILE

    def guide(self, labels: Sequence[str] = ()) -> Guide:
        """Write `labelling.md`, or add the labels it lacks: given ones, the data set's, the queue's."""
        dataset = self.made().dataset
        known: dict[str, list[str]] = {name: [] for name in (*labels, *(dataset.labels if dataset else ()))}
        if dataset is not None and self.question == LABEL:
            _exemplify(known, dataset)
        with self._queue() as queue:
            brought = {item.suggestion.value for item in queue.items() if item.suggestion}
        known |= {name: [] for name in sorted(brought) if name not in known and self.question == LABEL}
        define: DefineSpec = self.spec.define
        return labelling.write_guide(self.guide_file, define.objective, self.question, list(known), known)

    def add(
        self,
        source: str | Named | None = None,
        *,
        columns: Columns | dict[str, str] | None = None,
        shape: Shape | None = None,
        overlap: float = 0.0,
        annotators: int = 2,
    ) -> Added:
        """Put a source into the queue; without one, what has no answer in the project's own sources.

        A share `overlap` of them is for `annotators` people each. Raises `DataError`; then nothing was added.
        """
        spec = self.spec.data
        if source is not None:
            given = {"sources": (source,), "columns": Columns.model_validate(columns or {}), "format": shape}
            spec = DataSpec(transforms=spec.transforms, skip_bad_lines=spec.skip_bad_lines, **given)
        with self._queue() as queue:
            return labelling.add(
                queue, self.folder, spec, overlap=overlap, annotators=annotators, unanswered=source is None
            )

    def suggest(self, by: str | Named = CLASSICAL, *, listen: Emit = events.ignore) -> int:
        """Let a machine answer first: the cheap model that learns from the labels, or an engine by name.

        An engine that names no model of its own asks the newest checkpoint, else the base model. A killed
        call goes on where it stopped.
        """
        with self._queue() as queue:
            named = Named.model_validate(by)
            if named.name == CLASSICAL:
                return labelling.by_classical(queue)
            problems = tuple(plugins.check("engines", named, where="label suggest"))
            if problems:
                raise SpecError(problems=problems)
            own = named.options.get("model")  # an endpoint has its model with it
            checkpoint = None if own else self._checkpoint(listen)
            candidate = self._candidate(named.name, checkpoint, own)
            with Respondent(self._context(listen), named, checkpoint) as respondent:
                return labelling.by_engine(queue, respondent.ask, candidate, self._labels())

    def start(
        self, annotator: str, *, order: Order = "queue", shown: bool = True, refit: int = 25
    ) -> Session:
        """A session in which one person labels.

        `shown` shows suggestions; every `refit` labels the order, where it hangs on them, is learned anew.
        """
        _known(order, get_args(Order), "start", "order")
        strategy = order if self.question == LABEL or order in ("queue", "random") else "diversity"
        ranking = None if strategy == "queue" else Ranking(strategy, every=refit, seed=self.spec.seed)
        return Session(
            self._open(),
            annotator,
            labelling.read_guide(self.guide_file),
            self.question,
            time.time,
            shown=shown,
            ranking=ranking,
        )

    def adjudicate(self, annotator: str) -> Adjudication:
        """A session in which one person decides what the annotators answered in different ways."""
        guide = labelling.read_guide(self.guide_file)
        return Adjudication(self._open(), annotator, guide, self.question, time.time)

    def status(self) -> Status:
        """How far the labelling is, and what each person did."""
        return labelling.status(self.items(), labels=self.question == LABEL)

    def agreement(self, scale: Scale = "nominal") -> Concord:
        """How far the annotators agree beyond chance, and what each of them confuses."""
        _known(scale, get_args(Scale), "agreement", "scale")
        return labelling.agreement(self.items(), self._labels(), scale, seed=self.spec.seed)

    def export(self, file: str | Path, *, majority: bool = False) -> Exported:
        """Write what people said as `.jsonl` or `.csv` to train on, or as `.json` for Label Studio."""
        return labelling.export(self.items(), Path(file), self.question, self._labels(), majority=majority)

    def import_(self, file: str | Path) -> Added:
        """Add the tasks of a Label Studio file with their predictions and annotations; raises `DataError`."""
        items = labelling.read_tasks(Path(file))
        with self._queue() as queue:
            new = queue.add(items)
        return Added(new=new, known=len(items) - new)

    def items(self) -> list[Item]:
        """Everything in the queue, with the answers that stand."""
        with self._queue() as queue:
            return queue.items()

    def _labels(self) -> tuple[str, ...]:
        return labelling.read_guide(self.guide_file).labels if self.question == LABEL else ()

    def _open(self) -> Queue:
        return open_queue(self.workspace.root / STORE, self.question)

    @contextlib.contextmanager
    def _queue(self) -> Iterator[Queue]:
        with contextlib.closing(self._open()) as queue:
            yield queue

    def _checkpoint(self, listen: Emit) -> Checkpoint:
        tuned = self.made().checkpoint
        return tuned or models.resolve(
            models.of_project(self.spec.model, self.folder), environment.read(), listen
        )

    def _candidate(self, engine: str, checkpoint: Checkpoint | None, own: str | None) -> Candidate:
        """The model with what it is told: a tuned one its task, any other the labels too."""
        name = f"{engine}: {Path(checkpoint.base.name).name if checkpoint else own}"
        told = self.spec.define.instruction or self.spec.define.objective
        if checkpoint is not None and checkpoint.tuner is not None:
            return Candidate(name=name, kind="tuned", instruction=told)
        told = f"{told}\n\n{_CHOOSE}" if self._labels() else told
        return Candidate(name=name, kind="zero-shot", instruction=told)

    def _context(self, listen: Emit) -> Context:
        return Context(
            project=self.folder,
            workspace=self.workspace,
            settings=environment.read(),
            step="label",
            artifact_id="label",
            folder=self.workspace.partial / "label",
            seed=self.spec.seed,
            emit=listen,
        )


def forget(workspace: Workspace, holds: Callable[[str], bool]) -> int:
    """Take the items that hold something out of what was labelled; gives how many there were."""
    path = workspace.root / STORE
    if not path.exists():
        return 0
    with contextlib.closing(open_queue(path, LABEL)) as queue:
        return queue.forget(holds)


def _known(word: str, known: tuple[str, ...], where: str, noun: str) -> None:
    if word not in known:
        raise SpecError(problems=[plugins.unknown(word, known, where=f"label {where}", noun=noun)])


def _exemplify(known: dict[str, list[str]], dataset: Dataset) -> None:
    """A few training examples of each label."""
    for example in examples.read(dataset, "train"):
        found = known.get(example.label or "")
        if found is not None and len(found) < _EXAMPLES:
            found.append(asked_by(example))
