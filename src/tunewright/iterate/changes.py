"""What the next spec should change, each change with its evidence."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from tunewright.core.types import CandidateResult, Change, Example, FailureGroup, Report
from tunewright.iterate.contradictions import Contradiction
from tunewright.runtime.measure.losses import Losses

SOURCES = "data.sources"
PAIRS = 5
"""Suspected contradictions and confusions named one by one."""
STRONG = 0.95
"""A class with this F1 is left alone."""


def more_examples(result: CandidateResult, train: Sequence[Example], most: int) -> Iterator[Change]:
    """More training examples for the weakest classes.

    How many is a rule of thumb: up to the median class, and at least half as many again.
    """
    counts = Counter(example.label for example in train)
    median = statistics.median(counts.values()) if counts else 0
    weak = [one for one in result.per_class if one.support and one.f1 < STRONG]
    for one in sorted(weak, key=lambda one: (one.f1, one.label))[:most]:
        have = counts[one.label]
        wanted = max(math.ceil(median - have), math.ceil(have / 2), 1)
        yield Change(
            path=SOURCES,
            value=None,
            why=f"collect about {wanted} more training examples for `{one.label}`: it has {have}, the median "
            f"class has {median:g}, and its F1 is {one.f1:.2f} (recall {one.recall:.2f} on {one.support} "
            "test examples)",
        )


def mend_labels(found: Sequence[Contradiction]) -> Iterator[Change]:
    """Pairs of questions that a person should look at."""
    for pair in found[:PAIRS]:
        yield Change(
            path=SOURCES,
            value=None,
            why=f"look at training example `{pair.neighbour.id}` (`{pair.neighbour.label}`: "
            f"“{_short(pair.neighbour)}”): it is {pair.similarity:.2f} similar to the failed question "
            f"“{_cut(pair.failed.text)}”, which should be `{pair.failed.expected}`; one of the two labels "
            "may be wrong, or the labels overlap",
        )


def tell_apart(groups: Sequence[FailureGroup]) -> Iterator[Change]:
    """Labels that are taken for each other in both directions."""
    counts = {(group.expected, group.answered): group.count for group in groups}
    both = {(a, b): count + counts[b, a] for (a, b), count in counts.items() if a < b and (b, a) in counts}
    for (a, b), count in sorted(both.items(), key=lambda item: (-item[1], item[0]))[:PAIRS]:
        yield Change(
            path=SOURCES,
            value=None,
            why=f"write down what tells `{a}` from `{b}`, then collect examples of the border, or merge the "
            f"two: they were taken for each other {count} times, in both directions",
        )


def train_longer(losses: Losses) -> Iterator[Change]:
    """More epochs, only where the validation loss was still falling at the end."""
    if losses.still_falling:
        (_, before), (step, last) = losses.validation[-2:]
        yield Change(
            path="train.epochs",
            value=None if losses.epochs is None else math.ceil(losses.epochs * 1.5),
            why=f"train longer: the validation loss was still falling when the run ended ({before:.4f}, then "
            f"{last:.4f} at step {step})",
        )


def more_test_examples(report: Report) -> Iterator[Change]:
    """A larger test set, where the verdict asks for it."""
    if report.verdict.word == "needs more examples" and report.verdict.needed:
        yield Change(
            path=SOURCES,
            value=None,
            why=f"collect test examples: about {report.verdict.needed} would decide the targets, there are "
            f"{report.test_examples}",
        )


def _short(example: Example) -> str:
    turns = [message.content for message in example.prompt if message.role == "user"]
    return _cut(turns[-1] if turns else example.text or "")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"
