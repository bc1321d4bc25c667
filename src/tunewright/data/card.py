"""The data card: what is in the dataset, for somebody who was not there."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunewright.core.types import SPLITS
from tunewright.data.diagnose import Diagnosis
from tunewright.data.spec import Splitting
from tunewright.data.transform import Transformed
from tunewright.runtime import redact

CARD = "card.md"
"""File of the data set's folder."""

_SHOWN = 20
_SAMPLES = 2
"""Samples of each transform; the others stand in `changes.json`."""
_WIDTH = 160


def card(
    facts: Mapping[str, Any],
    diagnosis: Diagnosis,
    changes: Sequence[Transformed],
    split: Splitting,
    seed: int,
) -> str:
    """Markdown over the facts of a `Dataset`: `counts`, `formats`, `overlaps` and so on."""
    return "\n".join(
        [
            *("# Data card", "", "| split | examples |", "|---|---:|"),
            *(f"| {name} | {facts['counts'][name]} |" for name in SPLITS),
            *("", f"Split {_how(split)} with seed {seed}; near-duplicates and groups stay in one split.", ""),
            *_sources(facts),
            *_mix(facts),
            *_changes(changes),
            *_risk(changes),
            *_overlaps(facts),
            *_lengths(diagnosis),
            *_classes(diagnosis),
            *_problems(facts),
        ]
    )


def _how(split: Splitting) -> str:
    return f"by {' and '.join(split.by)}" if split.by else "by chance"


def _sources(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Sources", "", "| file | read as | sha256 |", "|---|---|---|")
    for name, digest in facts["sources"].items():
        yield f"| {_cell(name)} | {_cell(facts['formats'].get(name, ''))} | `{digest[:16]}` |"
    yield from (
        "",
        f"Duplicates taken out: {facts['duplicates_removed']}; what is alike: `duplicates.jsonl`.",
        "",
    )


def _mix(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## What training sees", "", "| source | examples | standing | share | weight |")
    yield "|---|---:|---:|---:|---:|"
    for one in facts["mix"]:
        name = f"{_cell(one.source)} (general, against forgetting)" if one.replay else _cell(one.source)
        yield f"| {name} | {one.examples} | {one.standing} | {one.share:.1%} | {one.weight:g} |"
    yield ""


def _changes(changes: Sequence[Transformed]) -> Iterator[str]:
    if not changes:
        return
    yield from ("## Transforms", "", "| transform | texts changed | examples left out |", "|---|---:|---:|")
    for one in changes:
        yield f"| {one.name} | {one.changed} | {one.dropped} |"
    yield ""
    for one in changes:
        for what, times in list(one.kinds.items())[:_SHOWN]:
            yield f"- {one.name}: {_cell(what)} ({times:,})"
        for sample in one.samples[:_SAMPLES]:
            before, after = _short(sample.before), _short(sample.after)
            yield f"  - {_cell(sample.source)}, {sample.part}: {before} → {after}"
    yield from ("", "More samples before and after: `changes.json`, or `tunewright show changes`.", "")


def _risk(changes: Sequence[Transformed]) -> Iterator[str]:
    """What was masked by kind, and how much of a kind is found where it was measured."""
    masked = next((one for one in changes if one.name == "mask"), None)
    if masked is None:
        return
    found = {what.removesuffix(" masked"): times for what, times in masked.kinds.items() if " masked" in what}
    measured = redact.measured()
    yield from ("## Personal data", "", "| kind | texts masked | recall measured |", "|---|---:|---:|")
    for kind in redact.KINDS:
        recall = f"{measured[kind]:.2f}" if kind in measured else "not measured"
        if kind in found or kind in measured:
            yield f"| {kind} | {found.get(kind, 0)} | {recall} |"
    yield ""
    yield "Recall is the share of the characters that was found in labelled sentences of other origin:"
    yield "expect that the rest of a kind still stands in the texts. Masked is not anonymous: look"
    yield "at a sample before you pass it on."
    yield ""


def _short(text: str | None) -> str:
    """A text on one line, cut; a dash where it is gone or must not be kept."""
    return "–" if text is None else f"“{_cell(textwrap.shorten(text, _WIDTH, placeholder=' …'))}”"


def _overlaps(facts: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Overlap with training, before anything was taken out", "")
    yield "| split | examples | exact | normalised | near | same group | taken out of train |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for one in facts["overlaps"]:
        counts = (one.examples, one.exact, one.normalised, one.near, one.grouped, one.removed_from_train)
        yield f"| {one.split} | {' | '.join(map(str, counts))} |"
    yield from (
        "",
        "Every exact duplicate is a near one, too; `same group` counts what is neither.",
        "",
    )


def _lengths(diagnosis: Diagnosis) -> Iterator[str]:
    yield from ("## Lengths in words", "", "| | median | 95 % | longest |", "|---|---:|---:|---:|")
    for name, found in (("question", diagnosis.questions), ("answer", diagnosis.answers)):
        yield f"| {name} | {found.median} | {found.p95} | {found.longest} |"
    yield ""


def _classes(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.classes:
        return
    yield from ("## Labels", "", "| label | train | validation | test |", "|---|---:|---:|---:|")
    for label, counts in diagnosis.classes.items():
        yield f"| {_cell(label)} | {' | '.join(str(counts.get(name, 0)) for name in SPLITS)} |"
    yield ""


def _problems(facts: Mapping[str, Any]) -> Iterator[str]:
    problems = facts["problems"]
    if not problems:
        return
    yield from ("## To know", "")
    for problem in problems[:_SHOWN]:
        yield f"- {problem.where}: {problem.what}. {problem.fix}."
    if len(problems) > _SHOWN:
        yield f"- and {len(problems) - _SHOWN} more in `artifact.json`"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
