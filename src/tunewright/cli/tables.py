"""How artifacts look in a terminal."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from tunewright.core.types import (
    Artifact,
    Checkpoint,
    Dataset,
    Proposal,
    Release,
    Report,
    TargetResult,
)
from tunewright.evaluate import interval, probability, render_table

_WIDTH = 110
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n\r"}
_PICTURES |= dict.fromkeys(range(0x7F, 0xA0), "\N{REPLACEMENT CHARACTER}")
_LABELS = 8
"""Labels that are named; a data set may have hundreds."""
_ONLY_IN_THE_REPORT = 2
"""Last columns that a terminal has no room for: `p95` and `tokens an answer`."""


class Screen(Console):
    """A terminal that shows the control characters of a text, instead of obeying them."""

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401 - as rich has it
        """Print as rich does."""
        super().print(*(plain(one) if isinstance(one, str) else one for one in objects), **how)


def plain(text: str) -> str:
    """The text with a picture in the place of each control character: data must not move the cursor."""
    return text.translate(_PICTURES)


def console() -> Console:
    """Standard output, at least wide enough for a report when it is no terminal."""
    found = Screen(highlight=False)
    return found if found.is_terminal else Screen(highlight=False, width=_WIDTH)


@singledispatch
def show(artifact: Artifact) -> None:
    """Print an artifact for a person."""
    out = console()
    for name, value in artifact.model_dump(mode="json", exclude={"schema_version"}).items():
        out.print(f"{name}: {value}", markup=False)


@show.register
def _(report: Report) -> None:
    out = console()
    heads, rows = render_table(report)
    table = Table(title=f"{report.test_examples} test examples", title_justify="left", box=SIMPLE)
    shown = len(heads) - _ONLY_IN_THE_REPORT
    for head in ("candidate", *heads[:shown]):
        table.add_column(head, justify="left" if head == "candidate" else "right")
    for row in rows:
        table.add_row(f"{row.candidate} ←" if row.chosen else row.candidate, *row.cells[:shown])
    out.print(table)
    for comparison in report.comparisons:
        out.print(
            f"{comparison.a} − {comparison.b}: {comparison.metric} {comparison.difference:+.3f} "
            f"[{comparison.low:+.3f}, {comparison.high:+.3f}], p {probability(comparison.p_value)} "
            f"({comparison.test})",
            markup=False,
        )
    for target in report.targets:
        out.print(_target(target), markup=False)
    verdict = report.verdict
    out.print(f"\nverdict: {verdict.word}" + ("" if report.complete else " (baselines only)"), markup=False)
    for reason in verdict.reasons:
        out.print(f"  {reason}", markup=False)
    out.print(f"\nreport: {report.path / 'report.html'}", markup=False, soft_wrap=True)


@show.register
def _(dataset: Dataset) -> None:
    out = console()
    counts = ", ".join(f"{split} {count}" for split, count in dataset.counts.items())
    out.print(f"examples: {counts}", markup=False)
    for source, shape in dataset.formats.items():
        out.print(f"read: {source} as {shape}", markup=False)
    if dataset.labels:
        first = ", ".join(dataset.labels[:_LABELS]) + (" …" if len(dataset.labels) > _LABELS else "")
        out.print(f"labels: {len(dataset.labels)} ({first})", markup=False)
    for found in dataset.overlaps:
        out.print(
            f"{found.split} also in train: {found.exact} exact, {found.normalised} normalised, "
            f"{found.near} near of {found.examples}; {found.removed_from_train} taken out of train",
            markup=False,
        )
    for portion in dataset.mix if len(dataset.mix) > 1 else ():
        out.print(
            f"training sees: {portion.source} {portion.standing:,} times ({portion.share:.0%}, "
            f"{portion.examples:,} examples, weight {portion.weight:g})",
            markup=False,
        )
    out.print(f"duplicates removed: {dataset.duplicates_removed}", markup=False)
    for problem in dataset.problems:
        out.print(f"note: {problem.where}: {problem.what}", markup=False)
    out.print(f"card: {dataset.path / 'card.md'}", markup=False, soft_wrap=True)


@show.register
def _(checkpoint: Checkpoint) -> None:
    out = console()
    out.print(
        f"{checkpoint.base.name} + {checkpoint.tuner} by {checkpoint.method}: "
        f"{checkpoint.trained_parameters:,} trained parameters",
        markup=False,
    )
    for name, value in checkpoint.metrics.items():
        out.print(f"{name}: {value:.4g}", markup=False)
    out.print(f"card: {checkpoint.path / 'card.md'}", markup=False, soft_wrap=True)


@show.register
def _(release: Release) -> None:
    out = console()
    out.print(
        f"{release.id}: {release.form} of {release.checkpoint}, answered by {release.engine}", markup=False
    )
    for parity in release.parity:
        checker = f" ({parity.checker})" if parity.checker else ""
        ties = f", {parity.ties} more parted at a tie" if parity.ties else ""
        said = f"{parity.a} = {parity.b}{checker}: {parity.equal} of {parity.prompts} prompts{ties}"
        out.print(said, markup=False, soft_wrap=True)
        if parity.drop is not None:
            drop, agreed = parity.drop, parity.agreement or 0.0
            out.print(
                f"  loses {drop.value:+.3f} of {drop.metric} [{drop.low:+.3f}, {drop.high:+.3f}] on {drop.n} "
                f"examples, tolerated {drop.tolerance:g}; {agreed:.1%} of the tokens before the answers part",
                markup=False,
            )
        if parity.first_difference:
            out.print(f"  first difference: {parity.first_difference}", markup=False, soft_wrap=True)


@show.register
def _(proposal: Proposal) -> None:
    out = console()
    out.print(f"{proposal.failures} failures", markup=False)
    for group in proposal.groups:
        out.print(f"  {group.count:3d}  {group.expected} → {group.answered}", markup=False)
    for change in proposal.changes:
        value = "" if change.value is None else f" = {change.value}"
        out.print(f"propose {change.path}{value}: {change.why}", markup=False)


def _target(result: TargetResult) -> str:
    target = result.target
    bound = f"≥ {target.at_least:g}" if target.at_least is not None else f"≤ {target.at_most:g}"
    word = {True: "met", False: "missed", None: "undecided"}[result.met]
    return f"target {target.metric} {bound}: {word}, achieved {interval(result.achieved)}"
