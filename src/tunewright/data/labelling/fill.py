"""Fill the queue: whatever can be read as examples, labelled, unlabelled or both."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunewright.core import digest
from tunewright.core.errors import DataError
from tunewright.core.types import Example, Frozen, Problem
from tunewright.data import build, detect
from tunewright.data.ports import Source, Tell
from tunewright.data.question import question
from tunewright.data.quiet import quietly
from tunewright.data.read import looked, name_of, named, unreadable
from tunewright.data.spec import Columns, DataSpec
from tunewright.data.transform import Log, opened, transform
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins
from tunewright.runtime.lazy import require
from tunewright.runtime.plugins import Named
from tunewright.runtime.queue import Item, Queue, Suggestion

SOURCE = "source"
"""Who suggests the answers that a source brings."""

_PAIRS: Mapping[str, tuple[str, str]] = {"label": ("text", "label"), "completion": ("prompt", "completion")}
"""Columns of question and answer of the shapes whose answer may be missing."""


class Added(Frozen):
    """What `add` did."""

    new: int
    known: int
    """Texts that stood in the queue already, or twice in the source."""
    problems: tuple[Problem, ...] = ()
    """Lines that were left out."""


def add(
    queue: Queue,
    project: Path,
    spec: DataSpec,
    *,
    overlap: float = 0.0,
    annotators: int = 2,
    unanswered: bool = False,
) -> Added:
    """Add the examples of `spec.sources` after its transforms; the answers they bring become suggestions.

    A share `overlap` of the items, drawn by their texts, is to be answered by so many `annotators`, the
    rest by one. `unanswered` takes only examples without an answer. Raises `DataError`; then nothing was
    added.
    """
    if not 0 <= overlap <= 1 or annotators < 2:
        raise DataError(
            "overlap is a share of the items, answered by two people or more",
            where="overlap",
            fix="give a share from 0 to 1, and at least 2 annotators",
        )
    problems: list[Problem] = []
    read = [batch for source in spec.sources for batch in _batches(project, spec, source, problems)]
    told = quietly(problems, spec)
    fatal = [one for one in told if one.fatal and not spec.skip_bad_lines]
    if fatal:
        raise DataError(problems=fatal)
    found = [
        _item(example, annotators if _chance(example) < overlap else 1)
        for example in _transformed(read, spec)
        if not (unanswered and example.answer)
    ]
    new = queue.add(found)
    left_out = tuple(one.model_copy(update={"fatal": False}) for one in told)
    return Added(new=new, known=len(found) - new, problems=left_out)


def _item(example: Example, wanted: int) -> Item:
    payload: dict[str, Any] = {"text": question(example), "source": example.source}
    turns = example.prompt
    if len(turns) > 1:
        payload["messages"] = [turn.model_dump() for turn in turns]
    if example.group:
        payload["group"] = example.group
    suggestion = Suggestion(value=example.answer, by=SOURCE) if example.answer else None
    return Item(id=_key(example), payload=payload, wanted=wanted, suggestion=suggestion)


def _key(example: Example) -> str:
    """A name from what is asked: the same text is asked about once."""
    said = [turn.model_dump() for turn in example.prompt] or [{"role": "user", "content": question(example)}]
    return digest.of_value(said)[:16]


def _chance(example: Example) -> float:
    """A number from 0 to 1 that hangs on the text alone."""
    return int(digest.of_text(question(example))[:8], 16) / 0x100000000


def _batches(project: Path, spec: DataSpec, source: str | Named, problems: list[Problem]) -> Iterator[Any]:
    """Batches of the examples of a source, with the answers it brings."""
    read: Source = plugins.make("sources", named(source))
    name, before = name_of(source), len(problems)
    try:
        batches = read.read(project, problems.append)
        first = next(batches, None)
        if first is not None:
            found = _detected(first, name, spec)
            yield from _built(itertools.chain([first], batches), found, name, problems.append)
        elif len(problems) == before:
            what = "there are no examples in this file"
            problems.append(Problem(where=name, what=what, fix="give a file with examples"))
    except OSError as error:
        raise unreadable(error, name) from error


def _detected(batch: Any, name: str, spec: DataSpec) -> detect.Detected:  # noqa: ANN401 - a record batch
    seen = looked(batch)
    try:
        return detect.detect(seen, where=name, columns=spec.columns, shape=spec.format, labels_wanted=True)
    except DataError as error:
        # A column that is named as the text is all there needs to be.
        if spec.columns.text not in seen or spec.columns.label:
            raise DataError(problems=quietly(error.problems, spec)) from None
        return detect.Detected("text", spec.columns, 1.0)


def _built(batches: Iterable[Any], found: detect.Detected, name: str, tell: Tell) -> Iterator[Any]:
    """Batches of examples; rows of pairs whose answer is empty are read as questions alone."""
    compute = require("pyarrow.compute", extra="all")
    whole = build.Builder(found, False, name)
    columns = found.columns
    ask, answer = (getattr(columns, role) for role in _PAIRS.get(found.shape, ("text", "label")))
    alone = build.Builder(
        detect.Detected("text", Columns(text=ask, id=columns.id, group=columns.group), 1.0),
        False,
        name,
        whole.ids,
    )
    for batch in batches:
        if found.shape not in _PAIRS:
            yield whole.build(batch, tell)
            continue
        answered = compute.is_valid(build.cells(batch, answer))
        yield whole.build(batch.filter(answered), tell)
        yield alone.build(batch.filter(compute.invert(answered)), tell)


def _transformed(batches: Sequence[Any], spec: DataSpec) -> Iterator[Example]:
    """The examples after the transforms of the spec, of which those that learn see all of them first."""
    transforms = opened(spec.transforms, lambda: batches)
    for batch in transform(batches, transforms, Log(tuple(one.name for one in spec.transforms))):
        yield from on_disk.of_batch(batch)
