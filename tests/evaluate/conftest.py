"""A little world: three desks of a bank, frozen splits, the echo engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.types import Checkpoint, Dataset, Event, Example, Message, ModelRef, Target, Task
from tunewright.runtime import examples
from tunewright.runtime.context import Context
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace

LABELS = ("card lost", "exchange rate", "top up")
WORDS = {
    "card lost": "my card is lost number",
    "exchange rate": "which exchange rate do I get on day",
    "top up": "please top up my account with pounds",
}


def example(number: int, label: str, *, words: str | None = None, tags: tuple[str, ...] = ()) -> Example:
    question = f"{words or WORDS[label]} {number}"
    return Example(
        id=f"e{number}",
        messages=(Message(role="user", content=question), Message(role="assistant", content=label)),
        label=label,
        tags=tags,
    )


def split_of(start: int, size: int) -> list[Example]:
    return [example(start + i, LABELS[i % 3]) for i in range(size)]


@pytest.fixture
def make_dataset(tmp_path: Path) -> Callable[..., Dataset]:
    def make(**splits: list[Example]) -> Dataset:
        filled = {"train": split_of(0, 30), "validation": split_of(100, 12), "test": split_of(200, 36)}
        filled |= splits
        folder = tmp_path / "dataset"
        folder.mkdir(exist_ok=True)
        for name, members in filled.items():
            examples.write(members, folder / f"{name}.parquet")
        labels = sorted({e.label for members in filled.values() for e in members if e.label})
        return Dataset(
            id="dataset-1",
            path=folder,
            digest="d",
            counts={name: len(members) for name, members in filled.items()},
            labels=tuple(labels),
        )

    return make


@pytest.fixture
def make_task(tmp_path: Path) -> Callable[..., Task]:
    def make(*targets: Target, **fields: object) -> Task:
        values = {
            "id": "task-1",
            "path": tmp_path,
            "digest": "t",
            "objective": "Send every question to the right desk.",
            "type": "classification",
            "instruction": "Route the question.",
            "metrics": ("accuracy", "macro_f1", "invalid_rate"),
            "targets": targets,
        }
        return Task.model_validate(values | fields)

    return make


@pytest.fixture
def make_checkpoint(tmp_path: Path) -> Callable[..., Checkpoint]:
    def make(name: str, **fields: object) -> Checkpoint:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        base = ModelRef(name="tiny", revision="1", sha256="s")
        values = {"id": f"checkpoint-{name}", "path": folder, "digest": name, "base": base}
        return Checkpoint.model_validate(values | fields)

    return make


@pytest.fixture
def make_context(tmp_path: Path) -> Callable[..., Context]:
    def make(name: str = "report-1", events: list[Event] | None = None, **fields: object) -> Context:
        folder = tmp_path / "partial" / name
        folder.mkdir(parents=True, exist_ok=True)
        heard: list[Event] = [] if events is None else events
        values: dict[str, object] = {
            "project": tmp_path,
            "workspace": Workspace(tmp_path / ".tunewright"),
            "settings": Settings(cache=tmp_path / "cache", threads=1, offline=True),
            "step": "evaluate",
            "artifact_id": name,
            "folder": folder,
            "emit": heard.append,
        }
        return Context(**(values | fields))  # type: ignore[arg-type]

    return make
