"""The doctor, in a first form: duplicates, contradictions, lengths, and classes too small."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tunewright.core.errors import DataError
from tunewright.core.types import Example, Frozen, Problem, Split
from tunewright.data.doctor import Finding
from tunewright.data.question import question
from tunewright.runtime.near import normalised

FEWEST = 10
"""Fewer examples than this cannot be split and judged."""

_FEWEST_OF_A_CLASS = 5


class Lengths(Frozen):
    """Lengths in words."""

    median: int
    p95: int
    longest: int


class Diagnosis(Frozen):
    """What the doctor saw."""

    classes: dict[str, dict[str, int]]
    """Label → split → examples."""
    questions: Lengths
    answers: Lengths
    contradictions: tuple[tuple[str, ...], ...] = ()
    """Places of examples that ask the same and are answered differently."""
    findings: tuple[Finding, ...] = ()
    """What the doctor found in all that was read, the worst first."""


def unique(examples: Sequence[Example]) -> list[Example]:
    """The examples without those that say, letter for letter, what an earlier one says."""
    return list({(one.messages, one.text): one for one in reversed(examples)}.values())[::-1]


def diagnose(splits: Mapping[Split, Sequence[Example]], findings: tuple[Finding, ...] = ()) -> Diagnosis:
    """Look over all splits; the findings are the doctor's, over what was read before it was split."""
    everything = [example for part in splits.values() for example in part]
    classes: dict[str, dict[str, int]] = {}
    for name, part in splits.items():
        for label, count in Counter(example.label for example in part if example.label).items():
            classes.setdefault(label, {})[name] = count
    return Diagnosis(
        classes=dict(sorted(classes.items())),
        questions=_lengths([question(example) for example in everything]),
        answers=_lengths([example.answer or "" for example in everything]),
        contradictions=tuple(_contradictions(everything)),
        findings=findings,
    )


def read_diagnosis(folder: Path) -> Diagnosis:
    """The diagnosis of a data set from its folder; raises `DataError`."""
    path = folder / "diagnosis.json"
    try:
        return Diagnosis.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            "the diagnosis cannot be read", where=str(path), fix="`tunewright run --only data --again`"
        ) from error


def stop_if_too_few(examples: Sequence[Example], labelled: bool, removed: int = 0) -> None:
    """Raise `DataError` if nothing can be learned: too few examples, or only one class.

    `removed` duplicates were taken out before.
    """
    if len(examples) < FEWEST:
        are = "example is" if len(examples) == 1 else "examples are"
        before = f", after {removed:,} duplicates were taken out" if removed else ""
        raise DataError(
            f"{len(examples)} {are} too few to train and to judge{before}",
            where="data.sources",
            fix=f"give at least {FEWEST}; a few hundred make a useful test",
        )
    labels = {example.label for example in examples}
    if labelled and len(labels) < 2:
        raise DataError(
            f"every example has the label `{next(iter(labels))}`, so there is nothing to tell apart",
            where="data.sources",
            fix="give examples of two classes or more, or name another label column in `data.columns`",
        )


def stop_if_empty(splits: Mapping[Split, Sequence[Example]]) -> None:
    """Raise `DataError` if a split has no examples: nothing could be learned, chosen or judged."""
    problems = [
        Problem(
            where="data",
            what=f"the split `{name}` is empty",
            fix="give more examples or a larger share; a cluster of near-duplicates stays in one split",
        )
        for name, part in splits.items()
        if not part
    ]
    if problems:
        raise DataError(problems=problems)


def warnings(diagnosis: Diagnosis) -> Iterator[Problem]:
    """What need not stop the run, but should be known."""
    for label, counts in diagnosis.classes.items():
        if not counts.get("train"):
            what = f"the label `{label}` never stands in the training examples"
            yield _warned(what, "add training examples of it, or look for a misspelt label")
            continue
        total, stand = sum(counts.values()), _where(counts)
        if total < _FEWEST_OF_A_CLASS:
            what = f"the label `{label}` has only {total} example{'s' * (total > 1)}: {stand}"
            yield _warned(what, "add more, or merge it with another class")
        elif not counts.get("test") or not counts.get("validation"):
            what = f"the {total} examples of the label `{label}` cannot be divided among all splits: {stand}"
            yield _warned(what, "add some that are not alike, of other groups or of other times")
    meant = any(finding.kind == "several answers" for finding in diagnosis.findings)
    if diagnosis.contradictions and not meant:
        count, first = len(diagnosis.contradictions), ", ".join(diagnosis.contradictions[0][:2])
        noun = "question is" if count == 1 else "questions are"
        what = f"{count} {noun} answered in different ways (the first: {first})"
        yield _warned(what, "decide on one answer for each")


def _where(counts: Mapping[str, int]) -> str:
    """Where the examples of a label stand, and what that means."""
    stand = ", ".join(f"{count} in {name}" for name, count in counts.items())
    return stand if counts.get("test") else f"{stand}; none in test, so nothing is measured of it"


def _warned(what: str, fix: str) -> Problem:
    return Problem(where="data", what=what, fix=fix, fatal=False)


def _contradictions(examples: Sequence[Example]) -> Iterator[tuple[str, ...]]:
    asked = defaultdict[str, list[Example]](list)
    for example in examples:
        asked[normalised(question(example))].append(example)
    for same in asked.values():
        if len({example.answer for example in same}) > 1:
            yield tuple(sorted(example.source for example in same))


def _lengths(texts: Sequence[str]) -> Lengths:
    counts = sorted(len(text.split()) for text in texts) or [0]
    return Lengths(median=counts[len(counts) // 2], p95=counts[int(len(counts) * 0.95)], longest=counts[-1])
