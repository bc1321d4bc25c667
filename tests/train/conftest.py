"""A tiny random model, a frozen dataset of two desks, and a context to train in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core import digest
from tunewright.core.types import Checkpoint, Dataset, Event, Example, Message, Task
from tunewright.runtime import examples
from tunewright.runtime.context import Context
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.train import TrainSpec
from tunewright.train.ports import Plan

SPEC = TrainSpec(
    backend={"local": {"precision": "fp32"}},
    tracker=None,
    epochs=4,
    batch=4,
    learning_rate=5e-3,
    evaluations=1,
)

PLAN = Plan(
    seed=0,
    epochs=1,
    steps=9,
    warmup_steps=1,
    evaluate_every=3,
    batch=1,
    learning_rate=1e-3,
    schedule="cosine",
    patience=0,
    best_by="loss",
    inputs="x",
)


def make_examples(count: int, start: int = 0) -> list[Example]:
    words = ("card", "coin", "loan", "note", "cheque")
    return [
        Example(
            id=f"e{number}",
            messages=(
                Message(
                    role="user",
                    content=f"{'lost' if number % 2 else 'change'} my {words[number % 5]}" * (1 + number % 3),
                ),
                Message(role="assistant", content="loss" if number % 2 else "exchange"),
            ),
            label="loss" if number % 2 else "exchange",
        )
        for number in range(start, start + count)
    ]


def make_dataset(folder: Path, train: list[Example], validation: list[Example]) -> Dataset:
    folder.mkdir(parents=True, exist_ok=True)
    examples.write(train, folder / "train.parquet")
    examples.write(validation, folder / "validation.parquet")
    return Dataset(
        id="dataset-1",
        path=folder,
        digest=digest.of_folder(folder),
        counts={"train": len(train), "validation": len(validation)},
        labels=("exchange", "loss"),
    )


def make_context(folder: Path, events: list[Event] | None = None, **changes: object) -> Context:
    values: dict[str, object] = {
        "project": folder,
        "workspace": Workspace(folder / ".tunewright"),
        "settings": Settings(cache=folder / "cache", threads=2, offline=True),
        "step": "train",
        "artifact_id": "checkpoint-1",
        "folder": folder / "partial",
        "emit": (lambda event: None) if events is None else events.append,
        **changes,
    }
    context = Context(**values)  # type: ignore[arg-type]
    context.folder.mkdir(parents=True, exist_ok=True)
    return context


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return tiny_checkpoint(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("dataset"), make_examples(24), make_examples(6, 100))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return Task(
        id="task-1",
        path=tmp_path,
        digest="0",
        objective="Find the desk.",
        type="classification",
        instruction="Name the desk.",
    )


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    return lambda events=None, **changes: make_context(tmp_path, events, **changes)
