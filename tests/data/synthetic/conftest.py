"""A project with a data set, and a teacher that says what it is told to."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright.core.types import Event, Example, Message
from tunewright.data import DataSpec, Synthesis, SynthesisSpec, synthesise
from tunewright.data.synthetic import prompt
from tunewright.data.synthetic.draft import Ground
from tunewright.runtime import settings
from tunewright.runtime.context import Context
from tunewright.runtime.workspace import Workspace

Order = Callable[..., Synthesis]
LABELS = ("card", "loan")
QUESTIONS = {
    "card": ("where is my new card", "the machine has swallowed it", "block the stolen plastic at once"),
    "loan": ("what does borrowing cost a year", "may I repay early", "how long until the mortgage starts"),
}


def example(question: str, answer: str, **more: Any) -> Example:  # noqa: ANN401 - fields of `Example`
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=f"id {question}", messages=turns, **more)


def desk(**more: Any) -> Ground:  # noqa: ANN401 - fields of `Ground`
    """A classification with three questions a label."""
    train = [example(text, label, label=label) for label in LABELS for text in QUESTIONS[label]]
    test = (example("please tell me the opening hours of the branch", "card", label="card"),)
    known = {"objective": "Route it.", "labels": LABELS, "train": tuple(train), "evaluated": test}
    return Ground(**{"task": "classification", **known, **more})


def chat(**more: Any) -> Ground:  # noqa: ANN401 - fields of `Ground`
    """A task with free answers."""
    train = (example("how long does a refund take", "A refund takes 5 days."),)
    return Ground(**{"task": "question-answering", "objective": "Help.", "train": train, **more})


def asked_for(kind: str, **values: str) -> str:
    """What the teacher is asked with the built-in template."""
    empty = dict.fromkeys(prompt.NAMES, "")
    return prompt.filled(prompt.built_in(kind), {**empty, **values})


def teacher(said: dict[str, str], **options: object) -> dict[str, object]:
    """An engine that gives these answers to these questions."""
    return {"echo": {"answers": said, **options}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def context(project: Path) -> Context:
    return Context(
        project=project,
        workspace=Workspace(project / ".tunewright"),
        settings=settings.read({}),
        step="synthesise",
        artifact_id="synthesise",
        folder=project / ".tunewright" / "partial",
    )


@pytest.fixture
def order(context: Context) -> Order:
    def make(
        kind: str,
        ground: Ground,
        *,
        data: dict[str, Any] | None = None,
        told: list[Event] | None = None,
        **values: Any,  # noqa: ANN401 - fields of `SynthesisSpec`
    ) -> Synthesis:
        here = dataclasses.replace(context, emit=[].append if told is None else told.append)
        spec = DataSpec.model_validate({"sources": ["train.csv"], **(data or {})})
        return synthesise(here, SynthesisSpec.parse({"kind": kind, **values}), spec, ground, None)

    return make


def rows(project: Path, name: str = "data/synthetic.jsonl") -> list[dict[str, Any]]:
    path = project / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
