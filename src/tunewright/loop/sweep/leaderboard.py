"""The trials of a sweep from the best to the worst, each with its interval and its distance from the best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.core.types import Comparison, Completion, Frozen, Metric, Report, Score
from tunewright.loop.sweep.settings import TUNED, text_of
from tunewright.loop.sweep.study import Tried
from tunewright.runtime.measure import read_answers
from tunewright.runtime.measure.compare import compare
from tunewright.runtime.measure.ports import Scorer

DEFAULT = "the spec as it is"


class Row(Frozen):
    """One trial."""

    trial: int
    settings: dict[str, Any]
    """Path → value; nothing for the spec as it is."""
    state: Literal["complete", "pruned", "failed"]
    metric: Metric | None = None
    """The objective on the validation part, with its interval; None unless the trial is complete."""
    behind: Comparison | None = None
    """The best trial minus this one, paired on the same questions; None for the best itself."""
    checkpoint: str | None = None
    report: str | None = None
    seconds: float = 0.0
    problem: str = ""
    """Why it failed, or where it was stopped."""

    @property
    def tied(self) -> bool:
        """Whether it is the best, or cannot be told from the best: the interval of the difference holds 0."""
        if self.behind is None:
            return self.metric is not None
        return self.behind.low <= 0 <= self.behind.high

    @property
    def name(self) -> str:
        """Its settings in words."""
        return ", ".join(f"{path}={text_of(value)}" for path, value in self.settings.items()) or DEFAULT


class Leaderboard(Frozen):
    """What a sweep found: every trial, the best first, and what the winner is worth on other questions."""

    id: str
    folder: Path
    """Where it lies, as `leaderboard.json`, `leaderboard.html` and `winner.yaml`."""
    objective: str
    higher_is_better: bool
    questions: int
    """Validation examples that the trials were compared on."""
    rows: tuple[Row, ...]
    test: tuple[Metric, ...] = ()
    """The objective on the test part, which chose nothing: of the spec as it is, then of the winner."""
    gain: Comparison | None = None
    """The winner minus the spec as it is, paired on the test part; None where that is the winner."""
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Row:
        """The winner."""
        return self.rows[0]

    @property
    def winner(self) -> Path:
        """The spec of the winner."""
        return self.folder / "winner.yaml"


@dataclass(frozen=True)
class Ruler:
    """What trials are compared by."""

    metric: str
    scorer: Scorer
    confidence: float
    seed: int

    def scores(self, report: Report, wanted: Mapping[str, Any]) -> list[Score]:
        """A report's scores, in the order of its questions; `wanted` has the examples by id."""
        answers = read_answers(report, TUNED)
        return [self.scorer.score(wanted[one.example], Completion(text=one.answered)) for one in answers]

    def apart(self, names: tuple[str, str], a: Sequence[Score], b: Sequence[Score]) -> Comparison:
        """The first minus the second, paired."""
        first, second = names
        return compare(
            self.scorer, self.metric, (first, a), (second, b), confidence=self.confidence, seed=self.seed
        )


def rank(
    tried: Sequence[Tried], reports: Mapping[int, Report], wanted: Mapping[str, Any], ruler: Ruler
) -> tuple[Row, ...]:
    """Rows, the best first: complete trials by value, then pruned ones, then failed ones.

    Of trials with the same checkpoint and answers the first stands there alone. `reports` are those of
    complete trials by number, `wanted` the validation examples by id.
    """
    sign = -1 if ruler.scorer.higher_is_better else 1
    rows = [_row(one, reports.get(one.number), ruler) for one in tried if one.state != "running"]
    complete = sorted(
        (row for row in _different(rows) if row.metric is not None),
        key=lambda row: (sign * row.metric.value if row.metric else 0.0, row.trial),
    )
    others = [row for state in ("pruned", "failed") for row in rows if row.state == state]
    if not complete:
        return tuple(others)
    best = complete[0]
    scores = {row.trial: ruler.scores(reports[row.trial], wanted) for row in complete}
    against = (
        row.model_copy(
            update={"behind": ruler.apart((best.name, row.name), scores[best.trial], scores[row.trial])}
        )
        for row in complete[1:]
    )
    return (best, *against, *others)


def notes(board: Leaderboard, confidence: float) -> Iterator[str]:
    """What a reader must not take the figures for."""
    complete = [row for row in board.rows if row.metric is not None]
    tied = [row for row in complete[1:] if row.tied]
    yield (
        f"{board.objective} on {board.questions} validation questions; intervals hold with {confidence:.0%} "
        "confidence, differences are paired on the same questions."
    )
    if tied:
        yield f"{len(tied)} of {len(complete) - 1} other trials are not distinguishable from the best."
    if any(not row.settings for row in tied):
        yield "Your own settings are among them: these questions do not show that anything better was found."
    if len(complete) > 1:
        yield (
            f"The best of {len(complete)} on the same questions looks better than it is; training chose its "
            "best moment on them, too."
        )
    if board.gain is None:
        yield "Nothing that was tried was better than the spec as it is."
        return
    before, after, gain = *board.test, board.gain
    span = f"{gain.difference:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
    yield (
        f"On {after.n} test questions, which chose nothing, the winner has {after.value:.3f}, "
        f"the spec as it is {before.value:.3f}: {span}. A sweep that is repeated until this figure "
        "pleases has chosen by it."
    )


def _row(one: Tried, report: Report | None, ruler: Ruler) -> Row:
    result = report.results[0] if report else None
    states: dict[str, Literal["complete", "pruned", "failed"]] = {"complete": "complete", "pruned": "pruned"}
    return Row(
        trial=one.number,
        settings=dict(one.settings),
        state=states.get(one.state, "failed"),
        metric=result.metric(ruler.metric) if result else None,
        checkpoint=one.known.get("checkpoint"),
        report=one.known.get("report"),
        seconds=float(one.known.get("seconds", "0")),
        problem=one.known.get("problem", ""),
    )


def _different(rows: Sequence[Row]) -> Iterator[Row]:
    seen: set[str | None] = set()
    for row in rows:
        if row.report is None or row.report not in seen:
            seen.add(row.report)
            yield row
