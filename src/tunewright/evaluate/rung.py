"""The classical rung: fitted once for a dataset, its answers kept like those of every candidate."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from pydantic import ValidationError

from tunewright.core import digest
from tunewright.core.types import Frozen
from tunewright.evaluate.bench import Bench
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.answer import question_text
from tunewright.runtime.measure.labels import expected_of
from tunewright.runtime.workspace import atomic_write

VERSION = "1"
"""Raised when a change of the model makes kept answers stale."""


class Rung(Frozen):
    """What the classical model answered to the test questions, in their order."""

    answers: tuple[str, ...]
    seconds: tuple[float, ...]
    """Of the first questions, each asked alone."""
    selection: str


def classical(bench: Bench) -> Rung:
    """The answers of a linear model that was fitted on the training split; kept in the workspace."""
    asked = [example.id for example in bench.test]
    parts = [VERSION, bench.dataset.digest, bench.context.seed, bench.spec.latency_examples, asked]
    path = bench.context.cache("answers", f"classical-{digest.of_value(parts)}.json")
    try:
        return Rung.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        made = _fit_and_ask(bench)
    atomic_write(path, made.model_dump_json().encode())
    return made


def _fit_and_ask(bench: Bench) -> Rung:
    bench.context.progress(0, 1, "classical: fitting")
    model = require("tunewright.evaluate.classical", extra="all").fit(
        [question_text(example) for example in bench.train],
        [expected_of(example) for example in bench.train],
        seed=bench.context.seed,
    )
    questions = [question_text(example) for example in bench.test]
    answers = tuple(model.predict(questions))
    seconds = tuple(_alone(model.predict, questions[: bench.spec.latency_examples]))
    bench.context.progress(1, 1, "classical on the test questions")
    return Rung(answers=answers, seconds=seconds, selection=str(model.selection))


def _alone(predict: Callable[[list[str]], object], questions: Sequence[str]) -> Iterator[float]:
    """Seconds of each question asked alone; the model is warm, it has answered the whole test set."""
    for question in questions:
        started = time.perf_counter()
        predict([question])
        yield time.perf_counter() - started
