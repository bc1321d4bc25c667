"""The line of the stage: read, diagnose, split, mix, freeze."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import orjson

from tunewright.core import digest
from tunewright.core.types import SPLITS, Dataset, Example, Problem, Task
from tunewright.data import apart, doctor, duplicates, mix
from tunewright.data.apart import Parts
from tunewright.data.card import CARD, card
from tunewright.data.diagnose import Diagnosis, diagnose, stop_if_empty, stop_if_too_few, warnings
from tunewright.data.doctor import Finding
from tunewright.data.duplicates import Cluster
from tunewright.data.gather import Found, gather
from tunewright.data.page import page
from tunewright.data.quiet import quietly
from tunewright.data.read import Reading, files, name_of, unreadable
from tunewright.data.spec import DataSpec
from tunewright.data.transform import CHANGES, Log, Transformed
from tunewright.runtime import examples as on_disk
from tunewright.runtime.context import Context
from tunewright.runtime.plugins import Named

TOLD = 5
"""Findings of the doctor that are told during a run, the worst first."""
VERSION = "5"
"""Raised when a change of the stage makes earlier artifacts stale."""


def run(context: Context, spec: DataSpec, task: Task) -> Dataset:
    """Read every source, split, mix and freeze; raises `DataError` with every problem at once."""
    labelled = task.type == "classification"
    reading = Reading(context.project, spec, labelled)
    log = Log(tuple(one.name for one in spec.transforms))
    found = gather(reading, spec, log, context.folder)
    findings = look(found.parts, spec)
    context.stop_if_asked()
    parts, clusters = deduplicated(found.parts, spec)
    stop_if_too_few(parts["train"], labelled, len(found.parts["train"]) - len(parts["train"]))
    context.stop_if_asked()
    parts, unfit = apart.only_evaluable(parts)
    parts, overlaps = apart.separate(parts, found.against, spec)
    parts, fallen = apart.cut(parts, spec, context.seed)
    overlaps += apart.prove(parts, spec)
    stop_if_empty(parts)
    context.stop_if_asked()
    diagnosis = diagnose(parts, doctor.ranked([*findings, *sized(context, parts)]))
    names = [name_of(source) for source in spec.every]
    parts["train"], short = blend(parts, found, spec, context.seed)
    facts = {
        "counts": {name: len(parts[name]) for name in SPLITS},
        "labels": tuple(sorted({one.label for part in parts.values() for one in part if one.label})),
        "formats": reading.formats,
        "overlaps": tuple(overlaps),
        "mix": mix.portions(parts["train"], names),
        "sources": _digests(spec.every, context.project),
        "duplicates_removed": sum(cluster.removed for cluster in clusters),
        "problems": (
            *quietly((*_left_out(reading.problems), *reading.unsure), spec),
            *(*unfit, *fallen, *short),
            *warnings(diagnosis),
        ),
    }
    changes = log.result()
    write(context.folder, parts, diagnosis, changes)
    duplicates.write(clusters, context.folder)
    text = card(facts, diagnosis, changes, spec.split, context.seed)
    (context.folder / CARD).write_text(text, encoding="utf-8")
    dataset = context.seal(Dataset, **facts)
    tell(context, dataset, changes, diagnosis.findings)
    # How it was asked for is no part of what it is: the same examples have the same digest.
    return dataset.model_copy(update={"spec": spec.model_dump(mode="json", exclude_defaults=True)})


def write(folder: Path, parts: Parts, diagnosis: Diagnosis, changes: Sequence[Transformed]) -> None:
    """Write the splits, and what was found in them and done to them."""
    for name in SPLITS:
        on_disk.write(parts[name], folder / f"{name}.parquet")
    (folder / "diagnosis.json").write_text(diagnosis.model_dump_json(indent=1), encoding="utf-8")
    (folder / "diagnosis.html").write_text(page(diagnosis), encoding="utf-8")
    listing = [change.model_dump(mode="json") for change in changes]
    (folder / CHANGES).write_bytes(orjson.dumps(listing, option=orjson.OPT_INDENT_2))


def _digests(every: tuple[str | Named, ...], project: Path) -> dict[str, str]:
    """SHA-256 of each source, by its name in the spec; of all of them where a source has several files."""
    found: dict[str, list[str]] = {}
    for name, path in files(every, project):
        found.setdefault(name, []).append(digest.of_file(path))
    return {name: one[0] if len(one) == 1 else digest.of_value(one) for name, one in found.items()}


def fingerprint(spec: DataSpec, project: Path) -> dict[str, str]:
    """SHA-256 of every file that the section names, by its name there."""
    try:
        return {**_digests(spec.every, project), "the stage `data`": VERSION}
    except OSError as error:
        raise unreadable(error) from error


def look(parts: Parts, spec: DataSpec) -> tuple[Finding, ...]:
    """What the doctor finds in everything that was read, before anything is taken out or split."""
    everything = [example for part in parts.values() for example in part]
    return doctor.ranked([*doctor.examine(everything), *doctor.leaks(parts, spec.split.near)])


def deduplicated(parts: Parts, spec: DataSpec) -> tuple[Parts, tuple[Cluster, ...]]:
    """The parts with one of several training examples that are the same, and what is alike."""
    if spec.deduplicate is None:
        return parts, ()
    found = duplicates.deduplicate(parts["train"], spec.deduplicate)
    return {**parts, "train": found.kept}, found.clusters


def sized(context: Context, parts: Parts) -> Iterator[Finding]:
    """What more examples would be worth: measured between the splits, where nothing near is in two."""

    def told(done: int, total: int) -> None:
        context.progress(done, total, "learning curve")

    return doctor.size(parts["train"], parts["validation"], context.seed, told=told)


def blend(parts: Parts, found: Found, spec: DataSpec, seed: int) -> tuple[list[Example], list[Problem]]:
    """What training sees: its examples as the mix says, and general examples; and what was too little."""
    names = [name_of(source) for source in spec.every]
    train = mix.mixed(parts["train"], spec.mix, names, seed)
    if spec.mix.replay is None:
        return train, []
    wanted = mix.wanted(len(train), spec.mix.replay.share)
    candidates = mix.drawn(found.replay, seed)[: 2 * wanted]  # half of them may stand in an evaluation set
    sets = {**apart.evaluated_in(parts), **found.against}
    chosen = apart.harmless(candidates, sets, spec.split.near)[:wanted]
    problems = []
    if len(chosen) < wanted:
        what = f"{wanted} general examples are wanted, and {len(chosen)} were found"
        fix = "give more, or set a smaller `share`"
        problems.append(Problem(where="data.mix.replay", what=what, fix=fix, fatal=False))
    return [*train, *mix.mixed(mix.replayed(chosen), spec.mix, names, seed)], problems


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
        context.tell("note", f"doctor: {finding.what}", fix=finding.fix)
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
                if one.split in SPLITS
                else "nothing taken out"
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
