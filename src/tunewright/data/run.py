"""The line of the stage: read, split, remove overlap, diagnose, freeze."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from tunewright.core import digest
from tunewright.core.types import SPLITS, Dataset, Example, Overlap, Problem, Split, Task
from tunewright.data import doctor, duplicates, overlap
from tunewright.data.card import card
from tunewright.data.diagnose import diagnose, stop_if_empty, stop_if_too_few, warnings
from tunewright.data.doctor import Finding
from tunewright.data.page import page
from tunewright.data.quiet import quietly
from tunewright.data.read import Reading, files, unreadable
from tunewright.data.spec import DataSpec, Files
from tunewright.data.split import split
from tunewright.data.transform import CHANGES, Log, Transformed, opened
from tunewright.runtime import examples as on_disk
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named

Parts = dict[Split, list[Example]]

_EVALUATED: tuple[Split, ...] = ("test", "validation")

TOLD = 5
"""Findings of the doctor that are told during a run, the worst first."""
VERSION = "2"
"""Raised when a change of the stage makes earlier artifacts stale."""


def run(context: Context, spec: DataSpec, task: Task) -> Dataset:
    """Read every source, split, and freeze; raises `DataError` with every problem at once."""
    labelled = task.type == "classification"
    reading = Reading(context.project, spec, labelled)
    log = Log(tuple(one.name for one in spec.transforms))
    parts = read(context, reading, spec, log)
    findings = look(parts, spec)
    context.stop_if_asked()
    found = duplicates.deduplicate(parts["train"], spec.deduplicate) if spec.deduplicate else None
    parts["train"] = found.kept if found else parts["train"]
    stop_if_too_few(parts["train"], labelled)
    context.stop_if_asked()
    parts, overlaps = separate(parts, spec)
    parts = cut(parts, spec, context.seed)
    overlaps += prove(parts, spec)
    stop_if_empty(parts)
    context.stop_if_asked()
    diagnosis = diagnose(parts, findings)
    facts = {
        "counts": {name: len(parts[name]) for name in SPLITS},
        "labels": tuple(sorted({one.label for part in parts.values() for one in part if one.label})),
        "formats": reading.formats,
        "overlaps": tuple(overlaps),
        "duplicates_removed": found.removed if found else 0,
        "problems": (
            *quietly((*_left_out(reading.problems), *reading.unsure), spec),
            *warnings(diagnosis),
        ),
    }
    for name in SPLITS:
        on_disk.write(parts[name], context.folder / f"{name}.parquet")
    every = (*spec.sources, *spec.validation, *spec.test)
    changes = log.result()
    text = card(facts, diagnosis, changes, _digests(every, context.project), context.seed)
    (context.folder / "card.md").write_text(text, encoding="utf-8")
    (context.folder / "diagnosis.json").write_text(diagnosis.model_dump_json(indent=1), encoding="utf-8")
    (context.folder / "diagnosis.html").write_text(page(diagnosis), encoding="utf-8")
    listing = [change.model_dump(mode="json") for change in changes]
    duplicates.write(found.clusters if found else (), context.folder)
    (context.folder / CHANGES).write_bytes(orjson.dumps(listing, option=orjson.OPT_INDENT_2))
    dataset = context.seal(Dataset, **facts)
    tell(context, dataset, changes, findings)
    return dataset


def _digests(every: tuple[str | Named, ...], project: Path) -> dict[str, str]:
    """SHA-256 of each source, by its name in the spec; of all of them where a source has several files."""
    found: dict[str, list[str]] = {}
    for name, path in files(every, project):
        found.setdefault(name, []).append(digest.of_file(path))
    return {name: one[0] if len(one) == 1 else digest.of_value(one) for name, one in found.items()}


def fingerprint(spec: DataSpec, project: Path) -> dict[str, str]:
    """SHA-256 of every file that the section names, by its name there."""
    every = (*spec.sources, *spec.validation, *spec.test)
    try:
        return {**_digests(every, project), "the stage `data`": VERSION}
    except OSError as error:
        raise unreadable(error) from error


def read(context: Context, reading: Reading, spec: DataSpec, log: Log) -> Parts:
    """Examples of every file; those of `sources` stand in `train` until they are split.

    They are transformed inside the stream from the files to the disk, before anything is written.
    """
    places: dict[Split, Files] = {"train": spec.sources, "validation": spec.validation, "test": spec.test}
    first = Reading(reading.project, spec, reading.labelled)
    ready = opened(spec.transforms, lambda: first.batches(spec.sources))
    with tempfile.TemporaryDirectory(prefix="import-", dir=context.folder) as folder:
        paths = {name: Path(folder) / f"{name}.parquet" for name in places}
        for name, sources in places.items():
            reading.write(sources, paths[name], ready, log)
        reading.stop_if_bad()
        return {name: on_disk.read_file(path) for name, path in paths.items()}


def look(parts: Parts, spec: DataSpec) -> tuple[Finding, ...]:
    """What the doctor finds in everything that was read, before anything is taken out or split."""
    everything = [example for part in parts.values() for example in part]
    return doctor.ranked([*doctor.examine(everything), *doctor.leaks(parts, spec.split.near)])


def separate(parts: Parts, spec: DataSpec) -> tuple[Parts, list[Overlap]]:
    """Meet what the user's own evaluation files share with the sources, and count it."""
    parts, overlaps = dict(parts), []
    for name in (name for name in _EVALUATED if parts[name]):
        found = overlap.find(name, parts[name], parts["train"], spec.split.near)
        if spec.split.overlap == "report":
            parts[name] = overlap.tagged(parts[name], found.evaluated)
            overlaps.append(found.overlap)
            continue
        parts["train"] = overlap.without(parts["train"], found.trained)
        overlaps.append(found.overlap.model_copy(update={"removed_from_train": len(found.trained)}))
    if spec.split.overlap == "remove":
        between = overlap.find("validation", parts["validation"], parts["test"], spec.split.near)
        parts["validation"] = overlap.without(parts["validation"], between.evaluated)
    return parts, overlaps


def cut(parts: Parts, spec: DataSpec, seed: int) -> Parts:
    """Cut the splits that have no files of their own from the training examples."""
    shares: dict[Split, float] = {}
    if not spec.test:
        shares["test"] = spec.split.test
    if not spec.validation:
        shares["validation"] = spec.split.validation
    drawn = split(parts["train"], shares, near=spec.split.near, seed=seed)
    return {name: drawn[name] or parts[name] if name != "train" else drawn[name] for name in SPLITS}


def prove(parts: Parts, spec: DataSpec) -> list[Overlap]:
    """Look again at the finished splits; gives the figures of the splits that were cut here."""
    figures = []
    for name in _EVALUATED:
        own = spec.test if name == "test" else spec.validation
        if spec.split.overlap == "report" and own:
            continue
        overlap.prove_none(name, parts[name], parts["train"], spec.split.near)
        if not own:
            figures.append(Overlap(split=name, examples=len(parts[name])))
    return figures


def tell(
    context: Context, dataset: Dataset, changes: Iterable[Transformed], findings: Sequence[Finding]
) -> None:
    """Say what was detected, changed, found and frozen."""
    for name, found in dataset.formats.items():
        context.tell("note", f"{name}: {found}")
    for change in changes:
        done = f"{change.changed} texts changed, {change.dropped} examples left out"
        context.tell("note", f"{change.name}: {done}")
    for finding in findings[:TOLD]:
        context.tell("note", f"doctor: {finding.what}", fix=finding.remedy)
    if findings:
        context.tell("note", "doctor: `tunewright show diagnosis` shows the rows and remedies")
    for one in dataset.overlaps:
        if one.near or one.grouped:
            what = f"{one.near} of {one.examples} {one.split} examples stand in training too"
            groups = f", {one.grouped} more share a group with it" if one.grouped else ""
            done = (
                f"{one.removed_from_train} training examples taken out"
                if one.removed_from_train
                else "marked"
            )
            context.tell(
                "note",
                f"{what} ({one.exact} exact, {one.normalised} but for case and punctuation){groups}; {done}",
            )
    for problem in dataset.problems:
        context.tell("warning", f"{problem.where}: {problem.what}", fix=problem.fix)
    counts = ", ".join(f"{dataset.counts[name]} {name}" for name in SPLITS)
    context.tell("note", f"{counts}; {len(dataset.labels)} labels" if dataset.labels else counts)


def _left_out(problems: Iterable[Problem]) -> Iterable[Problem]:
    return (problem.model_copy(update={"fatal": False}) for problem in problems)
