"""The report as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import CandidateResult, Report
from tunewright.evaluate.table import interval, probability, render_table
from tunewright.runtime.measure.plain import plain


def to_markdown(report: Report) -> str:
    """The whole report as one Markdown page."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    yield f"# {plain(report.objective)}"
    yield ""
    word = report.verdict.word + ("" if report.complete else " (baselines only)")
    yield f"**Verdict: {word}**" + (
        f", about `{report.verdict.candidate}`" if report.verdict.candidate else ""
    )
    yield ""
    for reason in report.verdict.reasons:
        yield f"- {plain(reason)}"
    if report.verdict.needed:
        yield f"- about {report.verdict.needed} test examples would decide it"
    yield from ("", f"## Candidates, on {report.test_examples} test examples", "")
    heads, rows = render_table(report)
    yield from _table(("candidate", *heads), [(_name(r.candidate, r.chosen), *r.cells) for r in rows])
    yield from _targets(report)
    yield from _comparisons(report)
    yield from _classes(report)
    yield from ("", "## How the prompts were chosen", "")
    for result in report.results:
        yield f"- `{result.name}`: {plain(result.selection or 'no prompt')}"
    yield from ("", "## Notes", "")
    for note in report.notes:
        yield f"- {plain(note)}"
    yield from (
        "",
        f"Made as `{report.id}` from " + ", ".join(f"`{parent}`" for parent in report.parents) + ".",
    )


def _targets(report: Report) -> Iterator[str]:
    if not report.targets:
        return
    yield from ("", "## Targets", "")
    words = {True: "met", False: "missed", None: "undecided"}
    yield from _table(
        ("metric", "promised", "achieved", "", "waived"),
        [
            (
                item.target.metric,
                f"≥ {item.target.at_least:g}"
                if item.target.at_least is not None
                else f"≤ {item.target.at_most:g}",
                interval(item.achieved),
                words[item.met],
                item.target.waived or "",
            )
            for item in report.targets
        ],
    )


def _comparisons(report: Report) -> Iterator[str]:
    if not report.comparisons:
        return
    yield from ("", "## Differences, paired", "")
    yield from _table(
        ("candidates", "metric", "difference", "p", "test", "examples needed to see it"),
        [
            (
                f"{c.a} − {c.b}",
                c.metric,
                f"{c.difference:+.3f} [{c.low:+.3f}, {c.high:+.3f}]",
                probability(c.p_value),
                c.test,
                str(c.needed or "–"),
            )
            for c in report.comparisons
        ],
    )


def _classes(report: Report) -> Iterator[str]:
    chosen: CandidateResult | None = next(
        (r for r in report.results if r.name == report.verdict.candidate and r.per_class), None
    )
    if chosen is None:
        return
    yield from ("", f"## Classes, {chosen.name}, weakest first", "")
    weakest = sorted(chosen.per_class, key=lambda one: (one.f1, one.label))
    yield from _table(
        ("label", "precision", "recall", "F1", "examples"),
        [(c.label, f"{c.precision:.3f}", f"{c.recall:.3f}", f"{c.f1:.3f}", str(c.support)) for c in weakest],
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(plain(cell) for cell in row) + " |"


def _name(name: str, chosen: bool) -> str:
    return f"{name} ←" if chosen else name
